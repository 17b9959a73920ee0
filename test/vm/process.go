package vm

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// tied makes a process die with us. Pdeathsig comes when the thread that
// started a process ends, not the process (PR_SET_PDEATHSIG(2const)): whoever
// starts it stays on one thread until its end.
func tied(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
}

// runTied runs a process to its end and returns what it said.
func runTied(cmd *exec.Cmd) ([]byte, error) {
	tied(cmd)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.CombinedOutput()
}

// process is one that runs.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has been waited for
	err   error         // how it ended, once it has
}

func startTied(cmd *exec.Cmd) (*process, error) {
	tied(cmd)
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.ended)
	}()
	return p, <-started
}

// kill waits for the end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only where it has ended
	<-p.ended
}
