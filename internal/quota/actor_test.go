package quota

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// actVar has the test binary do one thing, as another user or to be killed.
const actVar = "OCTASKLY_QUOTA_ACT"

func TestMain(m *testing.M) {
	if act := strings.Fields(os.Getenv(actVar)); len(act) > 0 {
		n, err := acts[act[0]](act[1:])
		var errno unix.Errno
		if err != nil && !errors.As(err, &errno) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(n, unix.ErrnoName(errno))
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// acts return how far they have come.
var acts = map[string]func(args []string) (int, error){
	"write": func(args []string) (int, error) { // FILE BYTES
		most, _ := strconv.Atoi(args[1])
		file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return 0, err
		}
		defer file.Close()
		for n := 0; ; {
			wrote, err := file.Write(make([]byte, min(1<<16, most-n)))
			if n += wrote; err != nil || n == most {
				return n, err
			}
		}
	},
	"create": func(args []string) (int, error) { // DIR COUNT
		most, _ := strconv.Atoi(args[1])
		for n := range most {
			file, err := os.Create(filepath.Join(args[0], strconv.Itoa(n)))
			if err != nil {
				return n, err
			}
			file.Close()
		}
		return most, nil
	},
	"link":   func(args []string) (int, error) { return 0, os.Link(args[0], args[1]) },
	"rename": func(args []string) (int, error) { return 0, os.Rename(args[0], args[1]) },
	"mkdir":  func(args []string) (int, error) { return 0, os.MkdirAll(args[0], 0o700) },
	"reopen": func(args []string) (int, error) { // DIR IMAGE, until it is killed
		for {
			d, err := Open(args[0], Options{Image: args[1], Size: poolSize})
			if err == nil {
				err = d.Close()
			}
			if err != nil {
				return 0, err
			}
		}
	},
}

// prepare makes a command of an act.
func prepare(t testing.TB, uid uint32, act ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = []string{actVar + "=" + strings.Join(act, " ")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// does has a user act, and returns how far that came and the error's name.
func does(t testing.TB, uid uint32, act ...string) (n int, errno string) {
	t.Helper()
	cmd := prepare(t, uid, act...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v: %s", act, err, &stderr)
	}
	fmt.Sscan(string(out), &n, &errno)
	return n, errno
}
