package main

import (
	"io"
	"log/slog"
	"os"
	"runtime/pprof"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/statedir"
)

// process is what both roles begin with.
type process struct {
	log   *slog.Logger
	state *statedir.Dir
	stop  func() // ends the profile
}

// begin takes the state directory, so that no other daemon uses it.
func begin(c config.Common, stderr io.Writer) (*process, error) {
	stop, err := profile()
	if err != nil {
		return nil, err
	}
	state, err := statedir.Open(c.StateDir)
	if err != nil {
		stop()
		return nil, err
	}
	return &process{logger(stderr, c), state, stop}, nil
}

func (p *process) end() {
	p.state.Close()
	p.stop()
}

// logger is the process's log, on standard error.
func logger(w io.Writer, c config.Common) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// notify tells the service manager (sd_notify(3)), if there is one, that the
// daemon serves. That it could not is the manager's to notice.
func notify(status string) {
	daemon.SdNotify(false, daemon.SdNotifyReady+"\nSTATUS="+status)
}

// profile writes a CPU profile to the file that OCTASKLY_CPUPROFILE names, for
// the benchmarks. stop ends it.
func profile() (stop func(), err error) {
	path := os.Getenv("OCTASKLY_CPUPROFILE")
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}
