// Package battery attacks octaskly where people use it: hostile tasks, submitted
// by octasklyctl to a machine with the package installed, at every level of the
// sandbox. rows.txt says what they try and what shall become of it (package row).
// It runs where OCTASKLY_VM=1; make test-battery sees to that. Nothing of it ever runs
// outside a virtual machine.
//
// A driver in the machine tries one row after the other, at all its levels at
// once. After each it looks whether anything is left: a process, a cgroup, a
// mount, a loop device, a file, memory of System V, descriptors or memory of the
// executor; and whether a harmless task still runs.
//
// One row, or those whose names match:
//
//	OCTASKLY_VM=1 go test ./test/battery -run 'Battery/fork bomb' -v
package battery
