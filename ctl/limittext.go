package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// limitsOf are the limits that a submission comes to, as far as it says.
func limitsOf(s *api.Submission) octaskly.Limits {
	var l octaskly.Limits
	if s.Limits != nil {
		l = octaskly.Presets[s.Limits.Preset].Limits
		override((*int64)(&l.CPUTime), (*int64)(s.Limits.CPUTime))
		override(&l.Memory, s.Limits.Memory)
		override(&l.Disk, s.Limits.Disk)
		override(&l.OpenFiles, s.Limits.OpenFiles)
		override(&l.Processes, s.Limits.Processes)
	}
	if s.Memory > 0 && (s.Limits == nil || s.Limits.Memory == nil) {
		l.Memory = s.Memory
	}
	return l
}

func override(n, given *int64) {
	if given != nil {
		*n = *given
	}
}

// limitsText is such as "1h cpu, 2GiB memory, 1000 processes", or "none".
func limitsText(l octaskly.Limits) string {
	var parts []string
	for _, limit := range []struct {
		value int64
		text  string
	}{
		{int64(l.CPUTime), shortTime(l.CPUTime) + " cpu"},
		{l.Memory, shortSize(l.Memory) + " memory"},
		{l.Disk, shortSize(l.Disk) + " disk"},
		{l.OpenFiles, fmt.Sprint(l.OpenFiles, " files")},
		{l.Processes, fmt.Sprint(l.Processes, " processes")},
	} {
		if limit.value > 0 {
			parts = append(parts, limit.text)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// presetText is what a preset comes to.
func presetText(name string) string {
	preset := octaskly.Presets[name]
	text := limitsText(preset.Limits)
	if preset.Timeout > 0 {
		text += ", " + shortTime(preset.Timeout) + " wall time"
	}
	return text
}

func shortTime(d time.Duration) string { return units.Duration(d).Human() }

// shortSize has no space in it, so that it goes well with a word behind it.
func shortSize(bytes int64) string { return strings.ReplaceAll(sizeText(bytes), " ", "") }

// usageText is such as "1m30s cpu, 1.2GiB memory (peak 1.5GiB), 3 processes". What
// is not known is left out.
func usageText(u *api.Usage) string {
	var parts []string
	add := func(n int64, text func(int64) string, word string, peak int64) {
		switch {
		case n <= 0 && peak <= 0:
		case peak > n && text(peak) != text(n):
			parts = append(parts, fmt.Sprintf("%s %s (peak %s)", text(n), word, text(peak)))
		default:
			parts = append(parts, text(n)+" "+word)
		}
	}
	add(int64(u.CPUTime), func(n int64) string { return shortTime(time.Duration(n)) }, "cpu", 0)
	add(u.Memory, shortSize, "memory", u.MemoryPeak)
	add(u.Processes, countText, "processes", u.ProcessesPeak)
	add(u.Disk, shortSize, "disk", u.DiskPeak)
	add(u.Read, shortSize, "read", 0)
	add(u.Written, shortSize, "written", 0)
	return strings.Join(parts, ", ")
}

func countText(n int64) string { return fmt.Sprint(n) }
