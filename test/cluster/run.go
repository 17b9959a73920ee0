package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// run is one process of a daemon, from its start to its end.
type run struct {
	cmd     *exec.Cmd
	notices *notices
	ended   chan struct{} // closed when the process and all that serves it here is over
}

func launch(d *Daemon) (*run, error) {
	log, err := os.OpenFile(d.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	notices, err := listenNotices(d.notify, d.says)
	if err != nil {
		return nil, err
	}
	words := d.commandLine()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = d.cluster.path("home")
	cmd.Env = d.cluster.daemonEnviron(d)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: Ctrl-C is the caller's alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	r := &run{cmd: cmd, notices: notices, ended: make(chan struct{})}
	started := make(chan error)
	go r.live(started)
	return r, <-started
}

// commandLine is that of the next run.
func (d *Daemon) commandLine() []string {
	words := append([]string{d.cluster.programs.Daemon}, d.args()...)
	if under := d.cluster.options.Under; under != nil {
		words = append(under(d.Name), words...)
	}
	return words
}

// live starts the process and waits for it.
func (r *run) live(started chan<- error) {
	defer close(r.ended)
	var reader sync.WaitGroup
	reader.Go(r.notices.read)
	onOneThread(func() (any, error) {
		err := r.cmd.Start()
		started <- err
		if err != nil {
			return nil, err
		}
		return nil, r.cmd.Wait() // kept in ProcessState
	})
	r.notices.conn.Close()
	reader.Wait()
}

// state is how the process ended, once it has.
func (r *run) state() *os.ProcessState { return r.cmd.ProcessState }

// early reports whether TERM came to the daemon before it had learned to catch
// it.
func (r *run) early() bool {
	select {
	case <-r.notices.ready:
		return false
	default:
		status, ok := r.state().Sys().(syscall.WaitStatus)
		return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
	}
}

// Logs is the last 64 KiB of what the daemon has said in all its runs.
func (d *Daemon) Logs() string {
	const most = 64 << 10
	file, err := os.Open(d.log)
	if err != nil {
		return fmt.Sprintf("(nothing: %v)", err)
	}
	defer file.Close()
	if _, err := file.Seek(-most, io.SeekEnd); err != nil && !errors.Is(err, syscall.EINVAL) {
		return fmt.Sprintf("(cannot be read: %v)", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return fmt.Sprintf("%s(cannot be read on: %v)", text, err)
	}
	return string(text)
}
