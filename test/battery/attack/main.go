// attack tries what a task must not be able to do, for the rows of the battery:
//
//	octaskly-attack NAME [ARG…]
//
// It prints a word for each trial: the errno that it failed by, or "ok", and on
// stderr which trial that was. It runs only where the battery has installed it and
// only without privileges.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// trial is one attempt.
type trial struct {
	what string
	try  func() error
}

// table is of attacks by name.
type table map[string]func(args []string) []trial

// tables are all there are.
var tables = []table{calls, peers, files, ends}

func find(name string) (make func([]string) []trial, err error) {
	for _, t := range tables {
		if make, ok := t[name]; ok {
			return make, nil
		}
	}
	return nil, fmt.Errorf("there is no attack %q", name)
}

// marker is a file that the battery makes in its virtual machine, where every box
// sees it.
const marker = "/usr/lib/octaskly-attack.allowed"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "octaskly-attack:", err)
		os.Exit(3)
	}
}

func run(args []string) error {
	if _, err := os.Stat(marker); err != nil {
		return errors.New("cannot run: this is no virtual machine of the battery")
	}
	if os.Geteuid() == 0 {
		return errors.New("cannot run: it has privileges")
	}
	if len(args) == 0 {
		return errors.New("no attack is named")
	}
	make, err := find(args[0])
	if err != nil {
		return err
	}
	for _, t := range make(args[1:]) {
		word := outcome(t.try())
		fmt.Fprintf(os.Stderr, "%s: %s\n", t.what, word)
		fmt.Println(word)
	}
	return nil
}

// outcome is an error in a word.
func outcome(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		if name := unix.ErrnoName(errno); name != "" {
			return name
		}
		return fmt.Sprintf("errno-%d", int(errno))
	}
	return strings.ReplaceAll(err.Error(), " ", "-")
}

// held reports whether a process can gain nothing: capabilities are empty, and
// executing a program brings none.
func held() bool {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	return slices.Contains(lines, "NoNewPrivs:\t1") && slices.Contains(lines, "CapEff:\t0000000000000000")
}

// boxed are trials that are made only by processes that can gain nothing: they
// would harm the machine.
func boxed(trials ...trial) []trial {
	if !held() {
		return []trial{{"refused", func() error { return errors.New("privileged") }}}
	}
	return trials
}
