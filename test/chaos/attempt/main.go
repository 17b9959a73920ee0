// Attempt is the command of every task in chaos. It writes down by itself that
// it has begun and how it ends, so that nobody else has to be believed:
//
//	start TAG TASK ATTEMPT WORKER PID NANOSECONDS
//	alive TAG TASK ATTEMPT WORKER PID NANOSECONDS
//	end   TAG TASK ATTEMPT WORKER PID NANOSECONDS CODE
//
// One line is one write(2) to a file that is open with O_APPEND; start and end
// are followed by fsync(2). Times are CLOCK_BOOTTIME (clock_gettime(2)).
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Exit codes beside those that are asked for.
const (
	exitTerminated = 128 + int(syscall.SIGTERM)
	exitBroken     = 99 // this program could not do its work
	exitBadInput   = 98 // its standard input is not what it should be
)

const beat = 25 * time.Millisecond

type task struct {
	ledger    *os.File
	tag       string
	run       time.Duration
	code      int
	failUntil int
	out       int
	stdin     string
	deaf      bool
	alive     bool
}

func main() {
	var t task
	var path string
	flag.StringVar(&path, "ledger", "", "write to `FILE`")
	flag.StringVar(&t.tag, "tag", "-", "be known as `NAME`")
	flag.DurationVar(&t.run, "run", 0, "take `TIME`")
	flag.IntVar(&t.code, "code", 0, "exit with `N`")
	flag.IntVar(&t.failUntil, "fail-until", 0, "exit with 9 in the first `N` attempts")
	flag.IntVar(&t.out, "out", 0, "print `N` bytes more")
	flag.StringVar(&t.stdin, "stdin", "", "expect an input with this SHA-256")
	flag.BoolVar(&t.deaf, "deaf", false, "ignore TERM")
	flag.BoolVar(&t.alive, "alive", false, "write down every 25 ms that it lives")
	litter := flag.Bool("litter", false, "leave a process behind that has left its session")
	flag.String("mark", "", "be found by it in the process table")
	idle := flag.Bool("idle", false, "only be there")
	flag.Parse()
	if *idle {
		time.Sleep(time.Hour)
		return
	}
	code, err := t.live(path, *litter)
	if err != nil {
		fmt.Fprintln(os.Stderr, "attempt:", err)
		code = exitBroken
	}
	os.Exit(code)
}

// live is the whole of an attempt.
func (t *task) live(path string, litter bool) (code int, err error) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	if t.ledger, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return 0, err
	}
	if err := t.note("start", "", true); err != nil {
		return 0, err
	}
	if litter {
		if err := leaveChild(); err != nil {
			return 0, err
		}
	}
	if err := t.print(); err != nil {
		return 0, err
	}
	code, err = t.work(terminated)
	if err != nil {
		return 0, err
	}
	return code, t.note("end", fmt.Sprintf(" %d", code), true)
}

// work takes its time and decides on the exit code.
func (t *task) work(terminated <-chan os.Signal) (code int, err error) {
	if t.stdin != "" {
		sum := sha256.New()
		if _, err := io.Copy(sum, os.Stdin); err != nil {
			return 0, err
		}
		if hex.EncodeToString(sum.Sum(nil)) != t.stdin {
			return exitBadInput, nil
		}
	}
	over := time.After(t.run)
	beats := time.Tick(beat)
	for {
		select {
		case <-over:
			return t.verdict(), nil
		case <-terminated:
			if !t.deaf {
				return exitTerminated, nil
			}
		case <-beats:
			if !t.alive {
				continue
			}
			if err := t.note("alive", "", false); err != nil {
				return 0, err
			}
		}
	}
}

func (t *task) verdict() int {
	var number int
	fmt.Sscan(os.Getenv("OCTASKLY_ATTEMPT"), &number)
	if number <= t.failUntil {
		return 9
	}
	return t.code
}

// print says which attempt this is, and t.out bytes more.
func (t *task) print() error {
	_, err := fmt.Printf("%s %s\n%s", os.Getenv("OCTASKLY_TASK_ID"), os.Getenv("OCTASKLY_ATTEMPT"), strings.Repeat("x", t.out))
	return err
}

func (t *task) note(word, more string, durable bool) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return err
	}
	line := fmt.Sprintf("%s %s %s %s %s %d %d%s\n", word, t.tag, os.Getenv("OCTASKLY_TASK_ID"), os.Getenv("OCTASKLY_ATTEMPT"),
		os.Getenv("OCTASKLY_WORKER"), os.Getpid(), now.Nano(), more)
	if _, err := t.ledger.WriteString(line); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	return t.ledger.Sync()
}

// leaveChild starts a process in a session of its own, with nothing of ours in
// its environment, and does not wait for it.
func leaveChild() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, append([]string{"-idle"}, os.Args[1:]...)...)
	child.Env = []string{}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return child.Start()
}
