// Package sandbox makes the boxes that commands run in.
//
// A box is decided before it is built: [Build] is a pure function of a level, a
// task and facts about the machine to an OCI runtime spec, and [Compile] turns
// that spec into the flat plan that octaskly-init enacts (package plan). Neither
// touches the machine. octaskly-init holds no policy.
//
//	basic        the machine's own root and network, a user of the task's own without
//	             any privilege, private /tmp, /var/tmp, /dev/shm and /run/lock, sees its
//	             own processes only
//	strict       a read-only root made of a tmpfs: /usr, some of /etc, six devices. Its
//	             workspace is /work, its /tmp private. No network but its own loopback
//	very-strict  /usr/bin and /usr/lib only, nothing it can write may be executed, no
//	             sockets but Unix ones, no files of /proc but its processes'
//
// Level none needs no box. What is stricter never allows what is weaker forbids;
// a test draws tasks and system calls at random to find one that breaks that.
//
// A task's directory is its workspace, at /work: that is where users expect to
// start, and /tmp is, as everywhere, a second place for what nobody looks for.
// At level basic the workspace has the path that it has on the machine.
//
// # What OCI cannot say
//
// A root out of nothing, Landlock and an interface that is switched on have no
// place in a runtime spec. They stand in annotations: io.octaskly.links,
// io.octaskly.files and io.octaskly.landlock as JSON, and io.octaskly.loopback.
// That of an argument of ioctl(2) and the like only the low word counts (the
// kernel cuts it, CVE-2019-10063) is said by SCMP_CMP_MASKED_EQ. Of the rules for
// one system call the first that fits decides, which libseccomp does not know.
//
// # Starting a box
//
// A [Starter] opens a [Box]: octaskly-init as process 1 of its namespaces, which
// furnishes its room and waits. [Starter.Launch] gives it a task, long after perhaps.
// No box ever has a second task.
package sandbox
