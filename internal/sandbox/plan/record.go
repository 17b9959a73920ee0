package plan

import "syscall"

// Record is what octaskly-init says.
type Record interface{ record() }

// Ready says that the room stands.
type Ready struct{}

// Started says that the command executes.
type Started struct{}

// Failed says what octaskly-init could not do. Nothing of the task has run.
type Failed struct {
	Step   Step
	Errno  syscall.Errno
	Object string // what it was about, cut to MaxObject
}

// Ended says how the command has ended.
type Ended struct {
	Status   syscall.WaitStatus
	Leftover bool   // something of it was alive still
	CPU      uint64 // of the command and what it has waited for, µs
	MaxRSS   uint64 // the greatest of any of these, bytes
}

func (Ready) record()   {}
func (Started) record() {}
func (*Failed) record() {}
func (*Ended) record()  {}

// Step is what octaskly-init was doing.
type Step uint8

const (
	StepPlan      Step = 1 // reading what to do
	StepRoom      Step = 2 // host name, loopback
	StepMount     Step = 3
	StepLimits    Step = 4
	StepRights    Step = 5 // capabilities, no_new_privs
	StepLandlock  Step = 6
	StepSeccomp   Step = 7
	StepDirectory Step = 8 // entering the task's directory
	StepCommand   Step = 9 // finding or executing the command
)

var stepNames = [...]string{
	StepPlan: "read its plan", StepRoom: "make a room", StepMount: "mount", StepLimits: "set a limit", StepRights: "give up rights",
	StepLandlock: "restrict files", StepSeccomp: "restrict system calls", StepDirectory: "enter directory", StepCommand: "execute",
}

func (s Step) String() string {
	if int(s) < len(stepNames) && s > 0 {
		return stepNames[s]
	}
	return "do an unknown step"
}

func (f *Failed) Error() string {
	if f.Object == "" {
		return "cannot " + f.Step.String() + ": " + f.Errno.Error()
	}
	return "cannot " + f.Step.String() + " \"" + f.Object + "\": " + f.Errno.Error()
}

func (f *Failed) Unwrap() error { return f.Errno }

// MaxObject bounds Failed.Object.
const MaxObject = 256

// EncodeRecord returns the frame of r.
func EncodeRecord(r Record) []byte {
	switch r := r.(type) {
	case Ready:
		return begin(kindReady).frame()
	case Started:
		return begin(kindStarted).frame()
	case *Failed:
		w := begin(kindFailed)
		w.u8(uint8(r.Step))
		w.u32(uint32(r.Errno))
		w.text(r.Object[:min(len(r.Object), MaxObject)])
		return w.frame()
	case *Ended:
		w := begin(kindEnded)
		w.u32(uint32(r.Status))
		w.flag(r.Leftover)
		w.u64(r.CPU)
		w.u64(r.MaxRSS)
		return w.frame()
	}
	panic("plan: no such record")
}

// DecodeRecord reads the body of a frame that octaskly-init has sent.
func DecodeRecord(body []byte) (Record, error) {
	kind, b := open(body)
	var r Record
	switch kind {
	case kindReady:
		r = Ready{}
	case kindStarted:
		r = Started{}
	case kindFailed:
		r = &Failed{Step(b.u8()), syscall.Errno(b.u32()), b.text(MaxObject)}
	case kindEnded:
		r = &Ended{syscall.WaitStatus(b.u32()), b.flag(), b.u64(), b.u64()}
	default:
		b.fail("no kind of record")
	}
	return r, b.end()
}
