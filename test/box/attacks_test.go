package box

import (
	"testing"

	"github.com/octaskly/octaskly/test/box/boxcase"
)

// attack is what a hostile task tries, and what becomes of it at levels basic,
// strict and very-strict.
type attack struct {
	name string
	argv []string
	want [3]string
}

// script is an attack by the shell. It prints what it has got.
func script(name, text string, basic, strict, veryStrict string) attack {
	return attack{name, []string{"sh", "-c", text}, [3]string{basic, strict, veryStrict}}
}

// perl prints the errno that a system call fails by, or "ok".
const perl = `for (@ARGV) { my @a = map { /^s:(.*)/s ? "$1\0" : /^0x/ ? hex : $_ + 0 } split /,/; push @a, (0) x (7 - @a);
	my $r = syscall($a[0], @a[1..6]); print(($r < 0 ? (grep { $!{$_} } keys %!)[0] : "ok"), " ") }`

// call is an attack by system calls: "number,argument,…", where s: begins a string.
func call(name string, calls []string, basic, strict, veryStrict string) attack {
	return attack{name, append([]string{"perl", "-MErrno", "-e", perl}, calls...), [3]string{basic, strict, veryStrict}}
}

func TestAttacks(t *testing.T) {
	var cases []boxcase.Case
	for _, a := range attacks {
		for _, level := range levels {
			cases = append(cases, boxcase.Case{Level: level, Argv: a.argv})
		}
	}
	results := run(t, cases...)
	for i, a := range attacks {
		for j, level := range levels {
			r := results[3*i+j]
			if got := outcome(r); got != a.want[j] {
				t.Errorf("%s at level %v: %q, want %q\n%s", a.name, level, got, a.want[j], r.Stderr)
			}
		}
	}
}

// elf32 is a program for i386 that calls exit(42) by int 0x80.
const elf32 = `\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0\124\200\4\10\64\0\0\0\0\0\0\0\0\0\0\0\64\0\40\0\1\0\0\0\0\0\0\0` +
	`\1\0\0\0\0\0\0\0\0\200\4\10\0\200\4\10\140\0\0\0\140\0\0\0\5\0\0\0\0\20\0\0` +
	`\270\1\0\0\0\273\52\0\0\0\315\200`

var attacks = []attack{
	// What is the machine's.
	script("read /etc/shadow", `cat /etc/shadow || test -e /etc/shadow && echo there`, "there", "exit:1", "exit:1"),
	script("read the environment of process 1", `cat /proc/1/environ || test -e /proc/1 && echo there`, "there", "exit:1", "exit:1"),
	script("look into process 1", `ls /proc/1/root/ /proc/1/fd/ || test -e /proc/1 && echo there`, "there", "exit:1", "exit:1"),
	script("count foreign processes", `n=0; for p in /proc/[0-9]*; do n=$((n+1)); done; echo $n`, "2", "1", "1"),
	script("read the store", `cat /var/lib/octaskly/octaskly.db || test -e /var/lib/octaskly && echo there`, "there", "exit:1", "exit:1"),
	script("read workspaces of others", `ls /var/lib/octaskly-test || test -e /var/lib/octaskly-test && echo there`, "there", "exit:1", "exit:1"),
	script("find the daemons' sockets", `test -e /run/octaskly && echo there || echo hidden`, "there", "hidden", "hidden"),
	script("see files of the machine in /tmp", `ls -A /tmp /var/tmp /dev/shm 2>/dev/null | grep of-the-machine || echo none`, "none", "none", "none"),
	script("read the kernel's secrets", `cat /proc/kcore /proc/kmsg /proc/timer_list | head -c1 | wc -c; cat /proc/kallsyms | grep -v '^0000000000000000' | head -n1 | wc -l`, "0 0", "0 0", "0 0"),
	script("pull the magic key", `(echo h >/proc/sysrq-trigger) || echo no`, "no", "no", "no"),
	script("set core_pattern", `(echo x >/proc/sys/kernel/core_pattern) || echo no`, "no", "no", "no"),
	script("make a cgroup", `mkdir /sys/fs/cgroup/mine || echo no`, "no", "no", "no"),
	script("lift the own memory limit", `(echo max >/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max) || echo no`, "no", "no", "no"),
	script("write programs", `for d in / /usr /usr/bin /etc /dev /lib/; do touch $d/x && echo $d; done; echo none`, "none", "none", "none"),
	script("link a file of the machine", `ln /etc/passwd /tmp/p || echo no`, "no", "no", "no"),
	script("open devices", `for d in mem kmsg port vda tty console ptmx fuse kvm; do (: </dev/$d) 2>/dev/null && echo $d; done; echo none`, "ptmx fuse none", "none", "none"),
	script("find a terminal", `(: </dev/tty) 2>/dev/null && echo found || echo none`, "none", "none", "none"),
	script("find descriptors", `ls /proc/self/fd | tr '\n' ' '`, "0 1 2 3", "0 1 2 3", "0 1 2 3"),
	script("find our variables", `env | grep -E 'LISTEN|NOTIFY|OCTASKLY|CREDENTIALS|GOGC' || echo none`, "none", "none", "none"),

	// Mounts and namespaces.
	call("mount", []string{"165,s:x,s:/tmp,s:tmpfs"}, "EPERM", "EPERM", "EPERM"),
	call("mount anew", []string{"430,s:tmpfs", "428,-100,s:/", "429,-1,s:,-1,s:", "442,-100,s:/", "432,-1", "166,s:/tmp,2"},
		"EPERM EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM EPERM"),
	call("change the root", []string{"155,s:.,s:.", "161,s:/tmp"}, "EPERM EPERM", "EPERM EPERM", "EPERM EPERM"),
	call("make namespaces", []string{"272,0x10000000", "56,0x10000011", "56,0x110000011", "308,0,0", "435,0,0"},
		"EPERM EPERM EPERM EPERM ENOSYS", "EPERM EPERM EPERM EPERM ENOSYS", "EPERM EPERM EPERM EPERM ENOSYS"),
	script("nest", `unshare -Ur true || echo no`, "no", "no", "no"),

	// Rights.
	call("become root", []string{"105,0", "106,0", "116,0,0", "113,0,0", "117,0,0,0"}, "EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM"),
	script("su", `su -c id || echo no`, "no", "no", "no"),
	script("set-user-id files", `cp /bin/true /work/t 2>/dev/null || cp /bin/true ./t; chmod 6755 t; ./t && echo runs`, "runs", "runs", "exit:126"),
	call("make devices", []string{"133,s:/tmp/d,0x21b6,0x101", "133,s:/tmp/b,0x61b6,0xfe00"}, "EPERM EPERM", "EACCES EACCES", "EACCES EACCES"),
	call("use the kernel", []string{"321,0", "298,0", "323,0", "425,1", "246,0", "175,0", "313,0"},
		"EPERM EPERM EPERM ENOSYS EPERM EPERM EPERM", "EPERM EPERM EPERM ENOSYS EPERM EPERM EPERM", "EPERM EPERM EPERM ENOSYS EPERM EPERM EPERM"),
	call("administer", []string{"169,0xfee1dead,672274793,0", "227,0,0", "164,0,0", "170,s:x,1", "167,s:x", "179,0", "163,0", "103,3"},
		"EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM"),
	call("ports of the processor", []string{"173,0,1,1", "172,3"}, "EPERM EPERM", "EPERM EPERM", "EPERM EPERM"),
	call("keyrings", []string{"248,s:user,s:x,s:y,1,-3", "249,s:user,s:x,s:,-3", "250,0,-3"}, "EPERM EPERM EPERM", "EPERM EPERM EPERM", "EPERM EPERM EPERM"),
	call("trace", []string{"101,16,1", "312,1,1"}, "EPERM EPERM", "EPERM EPERM", "EPERM EPERM"),
	call("fewer random addresses", []string{"135,0x40000", "135,0xffffffff"}, "ok ok", "EPERM ok", "EPERM ok"),
	call("terminals", []string{"16,0,0x5412,s:x", "16,0,0x100005412,s:x", "16,0,0x541c,s:x", "16,0,0x80000000541c,s:x"},
		"EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM"),
	call("quota", []string{"16,0,0x401c5820,s:x", "16,0,0x40086602,s:x", "469,-100,s:/tmp"}, "EPERM EPERM EPERM", "EPERM EPERM EPERM", "EPERM EPERM EPERM"),
	call("x32", []string{"0x40000027", "0x40000000"}, "ENOSYS ENOSYS", "ENOSYS ENOSYS", "ENOSYS ENOSYS"),
	script("calls of another architecture", `printf '`+elf32+`' >x; chmod +x x; ./x; echo $?`, "159", "159", "126"),
	script("raise limits", `ulimit -n 1000000 || ulimit -c unlimited || echo no`, "no", "no", "no"),
	script("priority", `nice -n -20 true 2>&1 | wc -l; chrt -f 99 true 2>/dev/null || echo no`, "1 no", "1 no", "1 no"),
	script("dump core", `sh -c 'kill -SEGV $$'; ls -A | grep -c core`, "0 exit:1", "0 exit:1", "0 exit:1"),

	// Networks and other processes.
	call("sockets of unusual families", []string{"41,17,3", "41,38,5", "41,40,1", "41,30,1", "41,44,3", "41,29,3", "41,31,3", "41,0x100000026,5"},
		"EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM", "EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM"),
	call("sockets of usual ones", []string{"41,1,1", "41,2,1", "41,10,1", "41,16,3,0", "41,16,3,12"}, "ok ok ok ok ok", "ok ok ok ok EPERM", "ok EPERM EPERM EPERM EPERM"),
	connect("connect to the world", "1.1.1.1", "ENETUNREACH", "ENETUNREACH", "EPERM"),
	connect("connect to the cloud's metadata", "169.254.169.254", "ENETUNREACH", "ENETUNREACH", "EPERM"),
	connect("connect to the machine", "127.0.0.1", "ECONNREFUSED", "ECONNREFUSED", "EPERM"),
	script("kill everybody", `kill -9 -1; echo alive`, "alive", "alive", "alive"),
	script("kill process 1", `kill -9 1 || echo no`, "no", "no", "no"),
	call("watch files of others", []string{"300,0,0", "294,0"}, "EPERM ok", "EPERM ok", "EPERM EPERM"),
	call("lock programs", []string{"73,0,1"}, "ok", "ok", "EPERM"),
	call("memory of others", []string{"29,0,4096,0x180", "319,s:x,0"}, "ok ok", "ok ok", "EPERM EPERM"),
	script("execute what was written", `for d in . /tmp /dev/shm; do cp /bin/true $d/t 2>/dev/null && $d/t 2>/dev/null && echo $d; done; echo end`, ". /tmp end", ". /tmp end", "end"),

	// The helper itself.
	script("reach the helper's socket", `ls /proc/1/fd/3 2>/dev/null || (: >&3) 2>/dev/null || echo no`, "no", "no", "no"),
	script("read the helper's memory", `head -c1 /proc/1/mem 2>/dev/null || echo no`, "no", "no", "no"),
	script("stand in its way", `rm -rf /work /tmp 2>/dev/null; mv /work /x 2>/dev/null || echo no`, "no", "no", "no"),
	script("fill the root", `for d in / /etc /dev /proc; do echo x >$d/fill; done 2>/dev/null; echo end`, "end", "end", "end"),
}

// connect is an attack by TCP.
func connect(name, host, basic, strict, veryStrict string) attack {
	const text = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0) && connect(S, sockaddr_in(7878, inet_aton($ARGV[0]))) && print "connected"; print((grep { $!{$_} } keys %!)[0])`
	return attack{name, []string{"perl", "-MErrno", "-e", text, host}, [3]string{basic, strict, veryStrict}}
}
