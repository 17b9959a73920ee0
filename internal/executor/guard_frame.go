package executor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// guardFrame is what an executor tells its guard process, or that answers: a
// packet on a socket between the two.
//
//	0       kind
//	1..7    0
//	8..15   id of an attempt
//	16..23  a moment, or a process id
//	24..31  when that process has started, in clock ticks since boot
//	32..    marks, each ended by a zero
//
// A guard outlives the program that has started it (Handover.Guard): frames only
// ever gain kinds.
type guardFrame struct {
	kind  guardKind
	id    uint64
	value int64
	start uint64
	marks []string
}

type guardKind uint8

const (
	guardRefused guardKind = iota // the answer to what cannot be done, or is not understood
	guardDone                     // the answer to what has been
	guardBegin                    // there is an attempt: in the cgroup whose directory comes with it, else with these marks
	guardLead                     // this is the attempt's process, which leads its session
	guardUntil                    // no attempt may live longer
	guardOver                     // nothing is left of an attempt
	guardKinds
)

const (
	guardHead     = 32
	maxGuardFrame = 2048 // bytes; a worker's name is in the marks
)

var errGuardFrame = errors.New("malformed word between an executor and its guard")

func (f *guardFrame) append(b []byte) ([]byte, error) {
	size := len(b)
	b = append(b, byte(f.kind), 0, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, f.id)
	b = binary.BigEndian.AppendUint64(b, uint64(f.value))
	b = binary.BigEndian.AppendUint64(b, f.start)
	for _, mark := range f.marks {
		b = append(append(b, mark...), 0)
	}
	if len(b)-size > maxGuardFrame {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", errGuardFrame, maxGuardFrame)
	}
	return b, nil
}

func parseGuardFrame(b []byte) (f guardFrame, err error) {
	if len(b) < guardHead || len(b) > maxGuardFrame || guardKind(b[0]) >= guardKinds || [7]byte(b[1:8]) != [7]byte{} {
		return f, errGuardFrame
	}
	f.kind, f.id = guardKind(b[0]), binary.BigEndian.Uint64(b[8:])
	f.value, f.start = int64(binary.BigEndian.Uint64(b[16:])), binary.BigEndian.Uint64(b[24:])
	marks, ended := strings.CutSuffix(string(b[guardHead:]), "\x00")
	switch {
	case ended:
		f.marks = strings.Split(marks, "\x00")
	case marks != "":
		return f, errGuardFrame
	}
	if f.value < 0 || len(f.marks) > 0 && f.kind != guardBegin || f.kind == guardLead && (f.value <= 1 || f.value > maxPID) {
		return f, errGuardFrame
	}
	return f, nil
}

// maxPID is PID_MAX_LIMIT of Linux, see proc_sys_kernel(5).
const maxPID = 1 << 22
