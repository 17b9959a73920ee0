package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// BinVar names the variable that holds a directory with octasklyd and
// octasklyctl in it. Where it is empty, they are built from this module.
const BinVar = "OCTASKLY_BIN"

// buildTimeout allows for a first build on a slow machine.
const buildTimeout = 10 * time.Minute

const module = "github.com/octaskly/octaskly"

// Programs are the paths of the two programs.
type Programs struct{ Daemon, Ctl string }

var built struct {
	sync.Mutex
	done     bool
	programs Programs
	err      error
	dir      string // to be removed
}

// Build finds or builds the programs, once for this process. Whoever calls it
// calls Clean at the end.
func Build() (Programs, error) {
	built.Lock()
	defer built.Unlock()
	if !built.done {
		built.programs, built.err = build()
		built.done = true
	}
	return built.programs, built.err
}

// Clean removes what Build has built.
func Clean() error {
	built.Lock()
	defer built.Unlock()
	built.done = false
	if built.dir == "" {
		return nil
	}
	return os.RemoveAll(built.dir)
}

func build() (Programs, error) {
	if dir := os.Getenv(BinVar); dir != "" {
		return given(dir)
	}
	dir, err := os.MkdirTemp("", "octaskly-bin-")
	if err != nil {
		return Programs{}, fmt.Errorf("cannot build octaskly: %w", err)
	}
	built.dir = dir
	p := programsIn(dir)
	if err := errors.Join(compile(p.Daemon, "daemon"), compile(p.Ctl, "ctl")); err != nil {
		return Programs{}, err
	}
	return p, nil
}

func given(dir string) (Programs, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Programs{}, fmt.Errorf("cannot use %s: %w", BinVar, err)
	}
	p := programsIn(dir)
	for _, path := range []string{p.Daemon, p.Ctl} {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return Programs{}, fmt.Errorf("cannot use %s: there is no %q; `make build` makes it", BinVar, path)
		} else if err != nil {
			return Programs{}, fmt.Errorf("cannot use %s: %w", BinVar, err)
		}
	}
	return p, nil
}

func programsIn(dir string) Programs {
	return Programs{Daemon: filepath.Join(dir, "octasklyd"), Ctl: filepath.Join(dir, "octasklyctl")}
}

// compile builds as make build does.
func compile(path, pkg string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, module+"/"+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if said, err := onOneThread(cmd.CombinedOutput); err != nil {
		return fmt.Errorf("cannot build %q: %w\n%s", pkg, err, said)
	}
	return nil
}
