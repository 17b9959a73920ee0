package plan

// Canary is one thing that a box must not allow. octaskly-init tries it, in a box.
type Canary struct {
	Name  string
	Level uint8 // the weakest that it is for, as in package octaskly
	Own   bool  // only in a box with a network of its own
	What  string
}

// The levels, as package octaskly numbers them.
const (
	basic      = 2
	strict     = 3
	veryStrict = 4
)

// Canaries are all there are.
var Canaries = []Canary{
	{"user", basic, false, "the command runs as a user and group without privileges"},
	{"capabilities", basic, false, "no capability is in any set"},
	{"no-new-privileges", basic, false, "executing a program brings no privileges"},
	{"descriptors", basic, false, "no file is open but the first three"},
	{"limits", basic, false, "limits of setrlimit(2) are set"},
	{"oom-score", basic, false, "the kernel kills the command before daemons"},
	{"processes", basic, false, "no process of others is seen"},
	{"init", basic, false, "process 1 cannot be signalled"},
	{"shadow", basic, false, "/etc/shadow cannot be read"},
	{"kernel-settings", basic, false, "/proc/sys cannot be written"},
	{"private-tmp", basic, false, "/tmp and /dev/shm are the command's own"},
	{"namespaces", basic, false, "process ids and IPC are the command's own"},
	{"user-namespace", basic, false, "no namespace can be made"},
	{"clone3", basic, false, "clone3(2) and io_uring are not there"},
	{"keyrings", basic, false, "no keyring can be reached"},
	{"terminal", basic, false, "nothing can be typed into a terminal"},
	{"sockets", basic, false, "there are no sockets of unusual families"},
	{"mount", basic, false, "nothing can be mounted"},
	{"quota", basic, false, "no file can leave its project's quota"},
	{"network", basic, true, "the only network interface is the loopback"},
	{"root", strict, false, "the root is the box's own and cannot be written"},
	{"programs", strict, false, "/usr cannot be written"},
	{"devices", strict, false, "there are no devices but harmless ones"},
	{"proc", strict, false, "/proc is read-only and hides the kernel's secrets"},
	{"host-name", strict, false, "host name and cgroups are the box's own"},
	{"landlock", strict, false, "Landlock is in force, where the kernel has it"},
	{"trace", strict, false, "no process can be traced"},
	{"execute", veryStrict, false, "nothing that can be written can be executed"},
	{"no-network", veryStrict, false, "there are no sockets but Unix ones"},
	{"no-sharing", veryStrict, false, "no locks, queues or memory shared with others"},
	{"proc-only-processes", veryStrict, false, "/proc has nothing but processes"},
}

// CanariesOf returns those of a level.
func CanariesOf(level uint8, ownNetwork bool) (list []Canary) {
	for _, c := range Canaries {
		if c.Level <= level && (ownNetwork || !c.Own) {
			list = append(list, c)
		}
	}
	return list
}
