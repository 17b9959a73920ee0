package sandbox

import (
	"encoding/binary"
	"fmt"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A filter for seccomp(2) is a program for the kernel's classic BPF machine
// (Documentation/networking/filter.rst) that reads struct seccomp_data. Ours
// kills what comes by a foreign architecture, finds the call's number by binary
// search and then applies the rules of that call, each a chain of comparisons.

// Where struct seccomp_data has what; low words come first on all machines that
// we build for.
const (
	dataNumber = 0
	dataArch   = 4
	dataArgs   = 16
)

// instruction is a struct sock_filter.
type instruction struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

const (
	loadWord    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	jumpEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	jumpAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	jump        = unix.BPF_JMP | unix.BPF_JA
	andMask     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	answer      = unix.BPF_RET | unix.BPF_K
)

// segment is a range of numbers that are treated alike, up to the next one.
type segment struct {
	from uint32
	code []instruction // ends with an answer
}

// compileSeccomp returns the program as bytes.
func compileSeccomp(f *specs.LinuxSeccomp) ([]byte, error) {
	if !slices.Equal(f.Architectures, []specs.Arch{nativeArch}) {
		return nil, fmt.Errorf("cannot filter system calls of %v on %v", f.Architectures, nativeArch)
	}
	segments, err := segments(f)
	if err != nil {
		return nil, err
	}
	program := []instruction{
		{loadWord, 0, 0, dataArch},
		{jumpEqual, 1, 0, nativeAudit},
		{answer, 0, 0, unix.SECCOMP_RET_KILL_PROCESS},
		{loadWord, 0, 0, dataNumber},
	}
	if foreignBit != 0 {
		program = append(program,
			instruction{jumpAtLeast, 0, 1, foreignBit},
			instruction{answer, 0, 0, unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)})
	}
	program = append(program, search(segments)...)
	if len(program) > unix.BPF_MAXINSNS {
		return nil, fmt.Errorf("cannot filter system calls with %d instructions", len(program))
	}
	return encode(program), nil
}

// segments sorts the rules by system call. Neighbours that are treated alike
// become one.
func segments(f *specs.LinuxSeccomp) ([]segment, error) {
	otherwise, err := ret(f.DefaultAction, f.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	rules := map[uint32][]specs.LinuxSyscall{}
	for _, rule := range f.Syscalls {
		for _, name := range rule.Names {
			if nr, ok := number(name); ok {
				rules[nr] = append(rules[nr], rule)
			}
		}
	}
	list := []segment{{0, []instruction{otherwise}}}
	add := func(from uint32, code []instruction) {
		switch last := &list[len(list)-1]; {
		case slices.Equal(last.code, code):
		case last.from == from:
			last.code = code
		default:
			list = append(list, segment{from, code})
		}
	}
	for nr := range last(rules) + 1 {
		code, err := chain(rules[nr], otherwise)
		if err != nil {
			return nil, err
		}
		add(nr, code)
	}
	add(list[len(list)-1].from+1, []instruction{otherwise})
	return list, nil
}

// chain is the code for one system call: the first rule that fits decides.
func chain(rules []specs.LinuxSyscall, otherwise instruction) ([]instruction, error) {
	var code []instruction
	for _, rule := range rules {
		part, err := compileRule(rule)
		if err != nil {
			return nil, err
		}
		code = append(code, part...)
		if len(rule.Args) == 0 {
			return code, nil
		}
	}
	return append(code, otherwise), nil
}

// compileRule is a rule's code; where it does not fit, it goes on behind itself.
func compileRule(rule specs.LinuxSyscall) ([]instruction, error) {
	result, err := ret(rule.Action, rule.ErrnoRet)
	if err != nil {
		return nil, err
	}
	code := []instruction{result}
	for _, arg := range slices.Backward(rule.Args) {
		part, err := compare(arg, uint8(len(code)))
		if err != nil {
			return nil, err
		}
		code = append(part, code...)
	}
	return code, nil
}

// compare goes on when an argument fits and skips beyond the next few
// instructions otherwise.
func compare(arg specs.LinuxSeccompArg, skip uint8) ([]instruction, error) {
	mask, value := uint64(1<<64-1), arg.Value
	switch arg.Op {
	case specs.OpEqualTo:
	case specs.OpMaskedEqual:
		mask, value = arg.Value, arg.ValueTwo
	default:
		return nil, fmt.Errorf("cannot compare an argument by %v", arg.Op)
	}
	if arg.Index > 5 {
		return nil, fmt.Errorf("no system call has an argument %d", arg.Index)
	}
	var code []instruction
	at := uint32(dataArgs + 8*arg.Index)
	if high := uint32(mask >> 32); high != 0 {
		code = append(word(at+4, high, uint32(value>>32), skip), code...)
	}
	if low := uint32(mask); low != 0 {
		code = append(code, word(at, low, uint32(value), skip)...)
	}
	return lengthen(code, skip), nil
}

// word compares one word under a mask.
func word(at, mask, value uint32, skip uint8) []instruction {
	code := []instruction{{loadWord, 0, 0, at}}
	if mask != 1<<32-1 {
		code = append(code, instruction{andMask, 0, 0, mask})
	}
	return append(code, instruction{jumpEqual, 0, skip, value})
}

// lengthen makes each jump reach beyond what follows it in code, too.
func lengthen(code []instruction, skip uint8) []instruction {
	for i := range code {
		if code[i].code == jumpEqual {
			code[i].jf = skip + uint8(len(code)-1-i)
		}
	}
	return code
}

// search is a binary search over segments.
func search(list []segment) []instruction {
	if len(list) == 1 {
		return list[0].code
	}
	half := len(list) / 2
	below, above := search(list[:half]), search(list[half:])
	code := []instruction{{jumpAtLeast, uint8(len(below)), 0, list[half].from}}
	if len(below) > 255 { // a conditional jump reaches no further
		code = []instruction{{jumpAtLeast, 0, 1, list[half].from}, {jump, 0, 0, uint32(len(below))}}
	}
	return slices.Concat(code, below, above)
}

func ret(action specs.LinuxSeccompAction, errno *uint) (instruction, error) {
	switch action {
	case specs.ActAllow:
		return instruction{answer, 0, 0, unix.SECCOMP_RET_ALLOW}, nil
	case specs.ActErrno:
		if errno == nil || *errno == 0 || *errno > 4095 {
			return instruction{}, fmt.Errorf("cannot answer a system call without an errno")
		}
		return instruction{answer, 0, 0, unix.SECCOMP_RET_ERRNO | uint32(*errno)}, nil
	case specs.ActKillProcess:
		return instruction{answer, 0, 0, unix.SECCOMP_RET_KILL_PROCESS}, nil
	}
	return instruction{}, fmt.Errorf("cannot answer a system call by %v", action)
}

func encode(program []instruction) []byte {
	out := make([]byte, 0, 8*len(program))
	for _, in := range program {
		out = binary.NativeEndian.AppendUint16(out, in.code)
		out = append(out, in.jt, in.jf)
		out = binary.NativeEndian.AppendUint32(out, in.k)
	}
	return out
}

// last returns the highest number that has rules.
func last(rules map[uint32][]specs.LinuxSyscall) uint32 {
	highest := uint32(0)
	for nr := range rules {
		highest = max(highest, nr)
	}
	return highest
}
