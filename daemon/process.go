package main

import (
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/pprof"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/statedir"
	"github.com/octaskly/octaskly/internal/systemd"
)

// process is what all roles begin with.
type process struct {
	log     *slog.Logger
	level   *slog.LevelVar
	sockets *systemd.Sockets // that the service manager has passed
	state   *statedir.Dir    // nil where another room locks it
	stop    func()           // ends the profile

	listening func(socket string) // is told when the control socket is served
}

// begin takes the state directory, so that no other daemon uses it.
func begin(c config.Common, stderr io.Writer) (*process, error) {
	p, err := beginBare(c, stderr)
	if err != nil {
		return nil, err
	}
	if p.state, err = statedir.Open(c.StateDir); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// beginBare leaves the state directory alone.
func beginBare(c config.Common, stderr io.Writer) (*process, error) {
	signal.Ignore(unix.SIGHUP) // until its role asks for it, it must not end the daemon
	sockets, err := systemd.Inherited()
	if err != nil {
		return nil, err
	}
	p := &process{level: new(slog.LevelVar), sockets: sockets, listening: func(string) {}}
	p.level.Set(c.LogLevel.Level())
	p.log = slog.New(handler(stderr, c.LogFormat, p.level))
	if p.stop, err = profile(); err != nil {
		sockets.Close()
		return nil, err
	}
	return p, nil
}

func (p *process) end() {
	p.sockets.Close()
	if p.state != nil {
		p.state.Close()
	}
	p.stop()
}

// warnUnused tells of sockets that nobody serves. It comes after all sockets were
// asked for.
func (p *process) warnUnused() {
	for _, name := range p.sockets.Close() {
		p.log.Warn("A socket of the service manager is not served: its FileDescriptorName= is unknown", "name", name)
	}
}

// control is the control socket: the service manager's, or one of our own.
func (p *process) control(path string) (net.Listener, error) {
	ln, err := p.sockets.Listener("control")
	if ln == nil && err == nil {
		ln, err = api.Listen(path)
	}
	return ln, err
}

// handler is where the log goes: to the journal with its fields where standard
// error would end up there as mere text, else to standard error.
func handler(w io.Writer, format string, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: commonLevel}
	switch {
	case format == "json":
		return slog.NewJSONHandler(w, options)
	case systemd.ToJournal():
		return systemd.Journal(systemd.JournalOptions{Level: level, TaskBurst: 1000})
	}
	return slog.NewTextHandler(w, options)
}

// commonLevel writes systemd.LevelTask by a name that others know.
func commonLevel(groups []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey && level == systemd.LevelTask {
		a.Value = slog.StringValue(slog.LevelDebug.String())
	}
	return a
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
