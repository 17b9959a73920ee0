package cluster

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// Result is how octasklyctl ended.
type Result struct {
	Stdout, Stderr string
	Code           int // exit code; -1 if a signal ended it or it could not be started
}

// Ctl runs octasklyctl to its end, or kills it when ctx is done; Stderr then
// says so.
func (c *Cluster) Ctl(ctx context.Context, args ...string) Result {
	var stdout, stderr bytes.Buffer
	cmd := c.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_, err := onOneThread(func() (any, error) { return nil, cmd.Run() })
	var exit *exec.ExitError
	if err != nil && (ctx.Err() != nil || !errors.As(err, &exit)) {
		stderr.WriteString("cannot run octasklyctl to its end: " + errors.Join(err, context.Cause(ctx)).Error() + "\n")
	}
	code := -1
	if cmd.ProcessState != nil {
		code = cmd.ProcessState.ExitCode()
	}
	return Result{stdout.String(), stderr.String(), code}
}

// Command is octasklyctl, not started yet: for those who talk to it while it
// runs. It is killed when ctx is done. Without a Stdin it reads /dev/null.
func (c *Cluster) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.programs.Ctl, args...)
	cmd.Dir = c.path("home")
	cmd.Env = c.ctlEnviron()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}
