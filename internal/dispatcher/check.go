package dispatcher

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// A worker knows the fleet key, and may yet be broken or captured: what it says
// is bounded before anything keeps it.
const (
	maxWorkerName = 64
	maxSlots      = 4096
	maxFeatures   = 64
	maxReason     = 64
	maxDetail     = 2 << 10
	maxBytes      = 1 << 50
	maxCheckText  = 512
	maxPath       = 4 << 10
)

func checkHello(h *protocol.Hello) error {
	switch {
	case h.Version < 1:
		return fmt.Errorf("version %d of the protocol is unknown", h.Version)
	case len(h.Worker) < 16 || len(h.Worker) > 64 || !printable(string(h.Worker)):
		return fmt.Errorf("it gives no valid id")
	case h.Name == "" || len(h.Name) > maxWorkerName || !printable(h.Name):
		return fmt.Errorf("its name is not 1 to %d printable characters", maxWorkerName)
	case h.Slots < 1 || h.Slots > maxSlots:
		return fmt.Errorf("%d slots are not 1 to %d", h.Slots, maxSlots)
	case len(h.Features) > maxFeatures || len(h.Room) > maxFeatures:
		return fmt.Errorf("it offers more than %d features", maxFeatures)
	case len(h.Software) > maxReason || !printable(h.Software):
		return fmt.Errorf("its version is no version")
	case len(h.Checks) > octaskly.MaxChecks:
		return fmt.Errorf("its self-test has %d checks, %d are allowed", len(h.Checks), octaskly.MaxChecks)
	}
	for _, f := range h.Features {
		if len(f) > maxReason || !printable(f) {
			return fmt.Errorf("it offers a feature that is no word")
		}
	}
	for name, n := range h.Room {
		if len(name) > maxReason || !printable(name) || n < 0 {
			return fmt.Errorf("it offers room that is none")
		}
	}
	for i := range h.Checks {
		c := &h.Checks[i]
		if len(c.Subject) > maxReason || !printable(c.Subject) || len(c.Name) > maxReason || !printable(c.Name) {
			return fmt.Errorf("its self-test has a check that is no word")
		}
		c.What, c.Why = line(c.What), line(c.Why)
	}
	return nil
}

// line makes one of what a self-test says in words, which others may have said
// first. It bounds it by cutting it short.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text[:min(len(text), 2*maxCheckText)])
	for len(text) > maxCheckText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

func checkBatch(b *protocol.FromWorker) error {
	for i := range b.Started {
		b.Started[i].At = sane(b.Started[i].At)
	}
	for i := range b.Finished {
		if err := checkEnd(&b.Finished[i]); err != nil {
			return fmt.Errorf("cannot take the end of attempt %v: %w", b.Finished[i].ID, err)
		}
	}
	if err := checkCallers(b.Callers); err != nil {
		return err
	}
	if len(b.Usage) > maxSlots {
		return fmt.Errorf("%d attempts use something, %d may run", len(b.Usage), maxSlots)
	}
	for i := range b.Usage {
		clampUsage(&b.Usage[i].Usage)
	}
	return nil
}

func checkEnd(f *protocol.Finished) error {
	end, out := &f.End, f.End.Output
	switch {
	case !end.State.Terminal() || end.State > octaskly.Cancelled:
		return fmt.Errorf("%v is no end", end.State)
	case len(end.Reason) > maxReason || !printable(string(end.Reason)):
		return fmt.Errorf("its reason is none")
	case len(f.Output) > octaskly.InlineOutput:
		return fmt.Errorf("%d bytes of output ride along, %d are allowed", len(f.Output), octaskly.InlineOutput)
	case out.Stored < 0 || out.Stdout < 0 || out.Stderr < 0 || out.Discarded < 0:
		return fmt.Errorf("its output has a negative size")
	case len(f.Output) > 0 && out.Stored != int64(len(f.Output)):
		return fmt.Errorf("its output is cut")
	case len(end.Workspace) > maxPath || !printable(end.Workspace) || end.Workspace != "" && end.Workspace[0] != '/':
		return fmt.Errorf("its workspace is no path")
	}
	if out.Stored > maxBytes || out.Stdout > maxBytes || out.Stderr > maxBytes || out.Discarded > maxBytes {
		return fmt.Errorf("its output has an absurd size")
	}
	end.StartedAt, end.EndedAt = sane(end.StartedAt), sane(end.EndedAt)
	clampUsage(&end.Usage)
	end.CPUTime = max(0, end.CPUTime, end.Usage.CPUTime) // the latter counts what the command did not wait for
	end.MaxRSS, end.Limit, end.Peak = clamp(end.MaxRSS), max(0, end.Limit), max(0, end.Peak)
	if end.State == octaskly.Completed {
		end.Reason = ""
	}
	if len(end.Detail) > maxDetail {
		end.Detail = end.Detail[:maxDetail]
	}
	return nil
}

func clampUsage(u *octaskly.Usage) {
	u.CPUTime = max(0, u.CPUTime)
	for _, n := range []*int64{
		&u.Memory, &u.MemoryPeak, &u.Processes, &u.ProcessesPeak, &u.Read, &u.Written, &u.Disk, &u.DiskPeak,
	} {
		*n = clamp(*n)
	}
}

func clamp(n int64) int64 { return min(max(0, n), maxBytes) }

// sane takes the time by our own clock where a worker's is far off.
func sane(t time.Time) time.Time {
	if at := now(); !t.IsZero() && t.Sub(at).Abs() > 10*365*24*time.Hour {
		return at
	}
	return t
}

func printable(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
