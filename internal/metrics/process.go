package metrics

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"
)

// Process tells of this process, by the names that Prometheus's own clients use.
type Process struct {
	Version string // of the program
	Role    string
	Started time.Time
}

// Write adds it to a page.
func (s Process) Write(p *Page) {
	p.Gauge("octaskly_build_info", "What this daemon is: always 1.",
		Of(1, "version", s.Version, "go_version", runtime.Version(), "role", s.Role))
	p.Gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", Of(float64(s.Started.UnixMilli())/1000))
	p.Gauge("go_goroutines", "Goroutines that exist.", Of(runtime.NumGoroutine()))
	if resident, ok := resident(); ok {
		p.Gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", Of(resident))
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		p.Gauge("process_open_fds", "Open descriptors of the process.", Of(len(files)))
	}
}

// resident is the second number of /proc/self/statm, see proc(5).
func resident() (n int64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}
