// Package machine tests the packages where people use them: installed on a Debian
// with a real systemd and cgroup v2, in virtual machines (package vm). They run
// where OCTASKLY_VM=1; make test-vm sees to that.
package machine
