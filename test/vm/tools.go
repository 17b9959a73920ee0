package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// tools are the programs that the harness runs and the packages they come in.
var tools = []struct{ program, pkg string }{
	{"qemu-system-x86_64", "qemu-system-x86"},
	{"qemu-img", "qemu-utils"},
	{"mmdebstrap", "mmdebstrap"},
	{"mke2fs", "e2fsprogs"},
	{"fakeroot", "fakeroot"},
	{"newuidmap", "uidmap"},
}

// Available says why no machine can be started here, with the one line to type
// where that helps.
func Available() error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return errors.New("cannot run virtual machines: only Linux on amd64 is supported")
	}
	if missing := missing(); len(missing) > 0 {
		return fmt.Errorf("cannot run virtual machines: programs are missing; type: sudo apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	return nil
}

// missing are the packages to install. Root needs neither fakeroot nor uidmap.
func missing() []string {
	var packages []string
	for _, tool := range tools {
		if _, err := lookPath(tool.program); err != nil && (os.Getuid() != 0 || !slices.Contains([]string{"fakeroot", "uidmap"}, tool.pkg)) {
			packages = append(packages, tool.pkg)
		}
	}
	return packages
}

// lookPath also finds what only root has in its PATH.
func lookPath(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + program)
}

// install gets what is missing, if we are root on a Debian.
func install(ctx context.Context) error {
	packages := missing()
	if _, err := exec.LookPath("apt-get"); err != nil || len(packages) == 0 || os.Getuid() != 0 {
		return Available()
	}
	get := append([]string{"apt-get", "install", "--yes", "--no-install-recommends"}, packages...)
	for _, argv := range [][]string{{"apt-get", "update"}, get} {
		if err := run(ctx, "", []string{"DEBIAN_FRONTEND=noninteractive"}, argv...); err != nil {
			return err
		}
	}
	return Available()
}

// run runs a program of the host's to its end. The error holds what it said.
func run(ctx context.Context, dir string, env []string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin"), env...)
	said, err := runTied(cmd)
	if err != nil {
		return fmt.Errorf("cannot run %q: %w\n%s", argv[0], errors.Join(err, context.Cause(ctx)), said)
	}
	return nil
}
