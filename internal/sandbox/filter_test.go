package sandbox

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// machine runs a filter as the kernel does, on struct seccomp_data.
type machine []instruction

func newMachine(t interface{ Fatal(...any) }, f *specs.LinuxSeccomp) machine {
	program, err := compileSeccomp(f)
	if err != nil {
		t.Fatal(err)
	}
	var m machine
	for ; len(program) > 0; program = program[8:] {
		m = append(m, instruction{binary.NativeEndian.Uint16(program), program[2], program[3], binary.NativeEndian.Uint32(program[4:])})
	}
	return m
}

func (m machine) run(t interface{ Fatal(...any) }, arch, nr uint32, args ...uint64) uint32 {
	var data [64]byte
	binary.NativeEndian.PutUint32(data[0:], nr)
	binary.NativeEndian.PutUint32(data[4:], arch)
	for i, arg := range args {
		binary.NativeEndian.PutUint64(data[16+8*i:], arg)
	}
	accumulator := uint32(0)
	for pc := 0; pc < len(m); pc++ {
		in := m[pc]
		jump := func(yes bool) {
			if yes {
				pc += int(in.jt)
			} else {
				pc += int(in.jf)
			}
		}
		switch in.code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			if in.k%4 != 0 || in.k > 60 {
				t.Fatal("load from ", in.k)
			}
			accumulator = binary.NativeEndian.Uint32(data[in.k:])
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			accumulator &= in.k
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(in.k)
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			jump(accumulator == in.k)
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			jump(accumulator >= in.k)
		case unix.BPF_RET | unix.BPF_K:
			return in.k
		default:
			t.Fatal("no instruction ", in)
		}
	}
	t.Fatal("it runs off its end")
	return 0
}

const (
	allowed = unix.SECCOMP_RET_ALLOW
	killed  = unix.SECCOMP_RET_KILL_PROCESS

	addrNoRandomize = 0x40000 // see personality(2)
)

func refusedBy(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

var filters = map[string]*specs.LinuxSeccomp{"basic": basicCalls, "strict": strictCalls, "very-strict": veryStrictCalls}

// verdicts of basic, strict and very-strict.
type verdicts [3]uint32

var (
	eperm  = refusedBy(unix.EPERM)
	enosys = refusedBy(unix.ENOSYS)
	all    = verdicts{allowed, allowed, allowed}
	none   = verdicts{eperm, eperm, eperm}
)

func TestFilters(t *testing.T) {
	const high = 1 << 32
	tests := []struct {
		call string
		args []uint64
		want verdicts
	}{
		{"read", nil, all},
		{"execve", nil, all},
		{"mount", nil, none},
		{"umount2", nil, none},
		{"unshare", []uint64{unix.CLONE_NEWUSER}, none},
		{"bpf", nil, none},
		{"keyctl", nil, none},
		{"perf_event_open", nil, none},
		{"userfaultfd", nil, none},
		{"file_setattr", nil, none},
		{"clone3", nil, verdicts{enosys, enosys, enosys}},
		{"io_uring_setup", nil, verdicts{enosys, enosys, enosys}},
		{"clone", []uint64{uint64(unix.SIGCHLD)}, all},
		{"clone", []uint64{unix.CLONE_VM | unix.CLONE_VFORK | uint64(unix.SIGCHLD)}, all},
		{"clone", []uint64{unix.CLONE_NEWUSER}, none},
		{"clone", []uint64{high | unix.CLONE_NEWNS | uint64(unix.SIGCHLD)}, none},
		{"clone", []uint64{unix.CLONE_NEWCGROUP}, none},
		{"ptrace", nil, verdicts{allowed, eperm, eperm}},
		{"process_vm_writev", nil, verdicts{allowed, eperm, eperm}},
		{"ioctl", []uint64{0, unix.TCGETS}, all},
		{"ioctl", []uint64{0, unix.TIOCSTI}, none},
		{"ioctl", []uint64{0, high | unix.TIOCSTI}, none},
		{"ioctl", []uint64{0, 1<<63 | unix.TIOCSTI}, none},
		{"ioctl", []uint64{0, unix.TIOCLINUX}, none},
		{"ioctl", []uint64{0, 7*high | unix.TIOCLINUX}, none},
		{"ioctl", []uint64{unix.TIOCSTI, 0, unix.TIOCSTI}, all},
		{"ioctl", []uint64{0, fsSetXattr}, none},
		{"ioctl", []uint64{0, unix.FS_IOC_SETFLAGS | 5*high}, none},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, all},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM}, verdicts{allowed, allowed, eperm}},
		{"socket", []uint64{unix.AF_INET6 | high, unix.SOCK_STREAM}, verdicts{allowed, allowed, eperm}},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, verdicts{allowed, allowed, eperm}},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}, verdicts{allowed, eperm, eperm}},
		{"socket", []uint64{unix.AF_PACKET, unix.SOCK_RAW}, none},
		{"socket", []uint64{unix.AF_VSOCK, unix.SOCK_STREAM}, none},
		{"socket", []uint64{unix.AF_ALG | high}, none},
		{"socketpair", []uint64{unix.AF_UNIX}, all},
		{"socketpair", []uint64{unix.AF_TIPC}, none},
		{"personality", []uint64{0}, all},
		{"personality", []uint64{0xffffffff}, all},
		{"personality", []uint64{addrNoRandomize}, verdicts{allowed, eperm, eperm}},
		{"fcntl", []uint64{0, unix.F_GETFL}, all},
		{"fcntl", []uint64{0, unix.F_SETLEASE | high}, verdicts{allowed, allowed, eperm}},
		{"flock", nil, verdicts{allowed, allowed, eperm}},
		{"inotify_add_watch", nil, verdicts{allowed, allowed, eperm}},
		{"memfd_create", nil, verdicts{allowed, allowed, eperm}},
		{"shmget", nil, verdicts{allowed, allowed, eperm}},
		{"nfsservctl", nil, verdicts{allowed, enosys, enosys}},
	}
	machines := [3]machine{newMachine(t, basicCalls), newMachine(t, strictCalls), newMachine(t, veryStrictCalls)}
	for _, tt := range tests {
		nr, ok := number(tt.call)
		if !ok {
			t.Fatal(tt.call)
		}
		for i, m := range machines {
			if got := m.run(t, nativeAudit, nr, tt.args...); got != tt.want[i] {
				t.Errorf("%s %#x at level %d: %#x, want %#x", tt.call, tt.args, i+2, got, tt.want[i])
			}
		}
	}
}

// No number stands for another one's call: neither a foreign architecture's nor
// one that comes later.
func TestForeignCalls(t *testing.T) {
	for name, f := range filters {
		m := newMachine(t, f)
		for _, arch := range []uint32{0, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, nativeAudit ^ 1} {
			if got := m.run(t, arch, unix.SYS_READ); got != killed {
				t.Errorf("%s: architecture %#x gets %#x", name, arch, got)
			}
		}
		otherwise := m.run(t, nativeAudit, 600)
		for _, nr := range []uint32{600, 1000, 0x3fffffff} {
			if got := m.run(t, nativeAudit, nr); got != otherwise || name != "basic" && got != enosys {
				t.Errorf("%s: call %#x gets %#x", name, nr, got)
			}
		}
		if foreignBit == 0 {
			continue
		}
		for _, nr := range []uint32{foreignBit | unix.SYS_READ, foreignBit | 512, 0xffffffff} {
			if got := m.run(t, nativeAudit, nr); got != enosys {
				t.Errorf("%s: x32 call %#x gets %#x", name, nr, got)
			}
		}
	}
}

// What is stricter never allows what is weaker forbids.
func TestFiltersAreOrdered(t *testing.T) {
	order := []machine{newMachine(t, basicCalls), newMachine(t, strictCalls), newMachine(t, veryStrictCalls)}
	names := slices.Concat(slices.Sorted(maps.Keys(numbers)), slices.Sorted(maps.Keys(furtherNumbers)))
	word := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 64), rapid.SampledFrom(slices.Concat(deniedRequests, []uint64{
		namespaceFlags, unix.CLONE_NEWUSER, uint64(unix.SIGCHLD), 0xffffffff, unix.F_SETLEASE, 1<<32 | unix.TIOCSTI,
	})))
	rapid.Check(t, func(t *rapid.T) {
		nr, _ := number(rapid.SampledFrom(names).Draw(t, "name"))
		if rapid.Bool().Draw(t, "any number") {
			nr = rapid.Uint32().Draw(t, "number")
		}
		args := rapid.SliceOfN(word, 6, 6).Draw(t, "args")
		for i, m := range order[1:] {
			weaker, stricter := order[i].run(t, nativeAudit, nr, args...), m.run(t, nativeAudit, nr, args...)
			if weaker != allowed && stricter == allowed {
				t.Fatalf("call %d %#x: level %d says %#x, the next one allows it", nr, args, i+2, weaker)
			}
		}
	})
}

// Every call that there is has been thought of.
func TestEveryCallIsListed(t *testing.T) {
	listed := map[string]int{}
	for _, list := range [][]string{machineCalls, newCalls, peerCalls, sharedCalls, scarceCalls, filteredCalls, plainCalls, absentCalls} {
		for _, name := range list {
			listed[name]++
		}
	}
	for name, times := range listed {
		if _, ok := number(name); !ok && nativeArch == specs.ArchX86_64 {
			t.Errorf("there is no call %q", name)
		}
		if times > 1 {
			t.Errorf("%q stands in %d lists", name, times)
		}
	}
	for _, name := range knownCalls(t) {
		if listed[name] == 0 {
			t.Errorf("%q is in no list", name)
		}
		if _, ok := number(name); !ok {
			t.Errorf("%q has no number", name)
		}
	}
}

// knownCalls are those of golang.org/x/sys, from its source.
func knownCalls(t *testing.T) (names []string) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Skip("there is no source of golang.org/x/sys: ", err)
	}
	arch := map[specs.Arch]string{specs.ArchX86_64: "amd64", specs.ArchAARCH64: "arm64"}[nativeArch]
	text, err := os.ReadFile(fmt.Sprintf("%s/unix/zsysnum_linux_%s.go", strings.TrimSpace(string(dir)), arch))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^\tSYS_(\w+)\s+=`).FindAllSubmatch(text, -1) {
		if name := strings.ToLower(string(match[1])); name != "arch_specific_syscall" {
			names = append(names, name)
		}
	}
	if len(names) < 300 {
		t.Fatalf("only %d calls are known", len(names))
	}
	return names
}

// A comparison of all 64 bits compares all of them.
func TestCompareEqual(t *testing.T) {
	f := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Architectures: []specs.Arch{nativeArch}}
	deny(f, unix.EPERM, []string{"close"}, specs.LinuxSeccompArg{Index: 2, Value: 5<<32 | 7, Op: specs.OpEqualTo},
		specs.LinuxSeccompArg{Index: 5, Value: 0xf0 << 32, ValueTwo: 0x30 << 32, Op: specs.OpMaskedEqual})
	m := newMachine(t, f)
	for _, tt := range []struct {
		second, fifth uint64
		want          uint32
	}{
		{5<<32 | 7, 0x35 << 32, eperm}, {7, 0x35 << 32, allowed}, {5 << 32, 0x35 << 32, allowed}, {5<<32 | 7, 0x30, allowed},
		{5<<32 | 7, 0x25 << 32, allowed}, {5<<32 | 7, 0x3f<<32 | 99, eperm},
	} {
		if got := m.run(t, nativeAudit, unix.SYS_CLOSE, 0, 0, tt.second, 0, 0, tt.fifth); got != tt.want {
			t.Errorf("%#x, %#x: %#x, want %#x", tt.second, tt.fifth, got, tt.want)
		}
	}
}

func TestFilterRefused(t *testing.T) {
	good := func() *specs.LinuxSeccomp {
		return &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Architectures: []specs.Arch{nativeArch}}
	}
	for name, spoil := range map[string]func(*specs.LinuxSeccomp){
		"architecture": func(f *specs.LinuxSeccomp) { f.Architectures = []specs.Arch{specs.ArchX86} },
		"two":          func(f *specs.LinuxSeccomp) { f.Architectures = append(f.Architectures, specs.ArchX32) },
		"action":       func(f *specs.LinuxSeccomp) { f.DefaultAction = specs.ActTrace },
		"errno":        func(f *specs.LinuxSeccomp) { f.DefaultAction = specs.ActErrno },
		"operator": func(f *specs.LinuxSeccomp) {
			allow(f, []string{"read"}, specs.LinuxSeccompArg{Op: specs.OpNotEqual})
		},
		"argument": func(f *specs.LinuxSeccomp) { allow(f, []string{"read"}, low(6, 0)) },
	} {
		f := good()
		spoil(f)
		if _, err := compileSeccomp(f); err == nil {
			t.Errorf("%s: it is compiled", name)
		}
	}
}
