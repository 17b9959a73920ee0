package api

import (
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// wish is what the submission says of isolation and limits.
func (s *Submission) wish(f *faults) octaskly.Wish {
	w := octaskly.Wish{
		Level:         s.level(f),
		HostNetwork:   s.hostNetwork(f),
		KeepWorkspace: s.KeepWorkspace,
		Timeout:       (*time.Duration)(s.Timeout),
	}
	if s.KeepWorkspace && s.Cwd != "" {
		f.blame("keep_workspace", fmt.Errorf("it cannot go with cwd, which stands in for the workspace"))
	}
	if l := s.Limits; l != nil {
		w.Preset, w.CPUTime = l.Preset, (*time.Duration)(l.CPUTime)
		w.Memory, w.Disk, w.OpenFiles, w.Processes = l.Memory, l.Disk, l.OpenFiles, l.Processes
	}
	w.Memory = s.memoryLimit(w.Memory, f)
	return w
}

func (s *Submission) level(f *faults) octaskly.Level {
	if s.Sandbox == "" {
		return 0
	}
	level, err := octaskly.ParseLevel(shorten(s.Sandbox))
	f.blame("sandbox", err)
	return level
}

// The words of Submission.Network.
const (
	NetworkNone = "none"
	NetworkHost = "host"
)

func (s *Submission) hostNetwork(f *faults) *bool {
	switch s.Network {
	case "":
		return nil
	case NetworkNone, NetworkHost:
	default:
		f.blame("network", fmt.Errorf("%q is neither %s nor %s", shorten(s.Network), NetworkNone, NetworkHost))
	}
	return new(s.Network == NetworkHost)
}

// memoryLimit is what is reserved, where there is no word on the limit alone.
func (s *Submission) memoryLimit(limit *int64, f *faults) *int64 {
	switch {
	case s.Memory <= 0:
		return limit
	case s.Memory < octaskly.MinMemory:
		f.blame("memory", fmt.Errorf("%d bytes are too few: no program starts with less than %d", s.Memory, octaskly.MinMemory))
	case limit == nil:
		return &s.Memory
	case *limit > 0 && *limit < s.Memory:
		f.blame("limits.memory", fmt.Errorf("%d is less than the %d bytes that memory reserves", *limit, s.Memory))
	}
	return limit
}
