// Package vm runs Debian 12 in virtual machines, for tests that need a kernel,
// an init or a power cut of their own. It takes QEMU and mmdebstrap, and root
// only to install these.
//
// The first machine ever builds an image, which lies in a cache directory named
// by a hash of what it is made from. The first machine of a kind boots, and its
// state is saved beside the image when it has settled; those after it resume
// from there, each on a disk of its own, which goes with it. After a reboot or
// a power cut, a machine boots from its disk. On two cores without KVM, the
// image takes 45 s, a boot 10 s, and to resume a quarter of a second. Machines
// with tools have an image of their own.
//
//	func TestInstalls(t *testing.T) {
//		m := vm.Boot(t, vm.Options{})
//		vm.Must(t, m.Put(ctx, "octaskly.deb", "/tmp/octaskly.deb", 0o644))
//		vm.Must(t, m.Run(ctx, "dpkg", "--install", "/tmp/octaskly.deb"))
//		if r := m.As("user").Run(ctx, "octasklyctl", "ls"); r.Code != 1 {
//			t.Errorf("a stranger gets %+v", r)
//		}
//		vm.Must(t, m.Await(ctx, "systemctl is-active octasklyd-dispatcher"))
//		check(t, m.PowerCut())
//		check(t, m.Boot(ctx))
//	}
//
// Tests that use it run where OCTASKLY_VM=1, and are skipped elsewhere.
// Nothing outlives the process: QEMU dies with it, and what it had no time to
// remove, the next one does.
//
// # What a machine is
//
// It has two processors, 768 MiB of memory, a disk of 4 GB (ext4), systemd 252
// with cgroup v2, a journal on disk, dpkg, iproute2, and the users root and
// "user". It has no network but what Options ask for. Commands run in
// vmagent.slice, without a terminal or a session.
//
// Machines that resume have the same machine id and boot id; the clock, the
// host name and the random numbers are their own.
//
// # Power cuts
//
// PowerCut kills QEMU, which for the guest is as sudden as the real thing. What
// the guest has flushed (fsync(2)) has reached the host's page cache, and what
// it has not, QEMU may still hold and then loses.
package vm
