// Package box tests the boxes of package sandbox where the kernel has to hold
// them: in a virtual machine, where hostile programs can do no harm. It runs
// where OCTASKLY_VM=1; make test-vm sees to that.
//
// One driver in the machine runs the cases of all tests (package boxcase), in
// boxes with a cgroup, a workspace and a /tmp around them, and looks after each
// whether anything of it is left.
package box
