package executor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// explain says why a command could not be executed, as data and so that its
// owner knows what to do. The kernel's errno alone could mean several files; it
// looks at them with the eyes of whom the command runs as.
func (s *slot) explain(err error, spec *octaskly.Spec, program string) (f *failure) {
	lookErr := s.x.account.look(func() { f = s.explainSeen(err, spec, program) })
	if lookErr != nil {
		return failuref(octaskly.ReasonExecutor, "%v", lookErr)
	}
	return f
}

// who is it that has, or has not, a right to a file?
func (s *slot) who() string {
	if a := s.x.account; a != nil {
		return fmt.Sprintf("user %q on worker %q", a.Name, s.worker)
	}
	return fmt.Sprintf("worker %q", s.worker)
}

func (s *slot) explainSeen(err error, spec *octaskly.Spec, program string) *failure {
	errno, ok := err.(unix.Errno)
	if !ok { // one that wraps an errno speaks of a file of ours
		return failuref(octaskly.ReasonExecutor, "%v", err)
	}
	if f := s.explainDir(spec.Dir); f != nil {
		return f
	}
	reason, name := octaskly.ReasonSpawn(unix.ErrnoName(errno)), spec.Argv[0]
	path := inDirectory(s.attr.Dir, program)
	switch errno {
	case unix.ENOENT, unix.ENOTDIR:
		return &failure{reason, s.explainMissing(name, program, path)}
	case unix.EACCES:
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return failuref(octaskly.ReasonSpawn("EISDIR"), "%q is a directory, not a program", program)
		}
		return &failure{reason, s.explainDenied(program, path)}
	case unix.ENOEXEC:
		return &failure{reason, explainFormat(program, path)}
	case unix.E2BIG:
		return failuref(reason, "arguments and environment are too long for worker %q; give long input by --stdin", s.worker)
	case unix.EINVAL:
		return failuref(reason, "cannot execute %q: an argument or variable contains a NUL byte", name)
	case unix.EAGAIN:
		return failuref(reason, "cannot execute %q: worker %q is at its limit of processes", name, s.worker)
	case unix.ENOMEM:
		return failuref(reason, "cannot execute %q: worker %q is out of memory", name, s.worker)
	}
	return failuref(reason, "cannot execute %q: %v", name, errno)
}

// explainMissing: either the program is missing or what it needs to run.
func (s *slot) explainMissing(name, program, path string) string {
	switch {
	case program == "" && isFile(filepath.Join(s.attr.Dir, name)):
		return fmt.Sprintf("command %q was not found; there is a file of that name in the current directory: write ./%s", name, name)
	case program == "" && strings.ContainsAny(name, " \t\n"):
		return fmt.Sprintf("command %q was not found; give the command and its arguments as words of their own, or use --shell", name)
	case program == "":
		return fmt.Sprintf("command %q was not found on worker %q, which looked in %s", name, s.worker, s.path)
	case !isFile(path):
		return fmt.Sprintf("file %q does not exist on worker %q; files do not travel by themselves", program, s.worker)
	}
	interpreter := interpreterOf(path)
	switch {
	case strings.HasSuffix(interpreter, "\r"):
		return fmt.Sprintf("%q cannot be executed: its lines end as on Windows; convert it with dos2unix", program)
	case interpreter != "":
		return fmt.Sprintf("%q cannot be executed: its first line asks for %q, which does not exist on worker %q", program, interpreter, s.worker)
	}
	return fmt.Sprintf("%q cannot be executed: its dynamic loader does not exist on worker %q; was it built for another system?", program, s.worker)
}

func (s *slot) explainDenied(program, path string) string {
	var mount unix.Statfs_t
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("%q cannot be executed: %s may not enter a directory above it", program, s.who())
	case err != nil:
		return fmt.Sprintf("%q cannot be executed: %v", program, errors.Unwrap(err))
	case info.Mode()&0o111 == 0:
		return fmt.Sprintf("%q is not executable; chmod +x it", program)
	case unix.Statfs(path, &mount) == nil && mount.Flags&unix.ST_NOEXEC != 0:
		return fmt.Sprintf("%q cannot be executed: it is on a file system mounted noexec on worker %q", program, s.worker)
	}
	if interpreter := interpreterOf(path); interpreter != "" {
		return fmt.Sprintf("%q cannot be executed: %s may not execute %q, which its first line asks for", program, s.who(), interpreter)
	}
	return fmt.Sprintf("%q cannot be executed: %s has no permission", program, s.who())
}

// explainFormat: the kernel knows neither a binary format nor a first line.
func explainFormat(program, path string) string {
	head := readHead(path)
	switch {
	case len(head) == 0:
		return fmt.Sprintf("%q is not executable: it is empty", program)
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return fmt.Sprintf("%q is not executable here: it was built for another kind of machine", program)
	}
	return fmt.Sprintf("%q is not executable: give it a first line such as #!/bin/sh", program)
}

// interpreterOf returns the program that a script's first line names. A \r at the
// end of that line is part of the name, as it is for the kernel.
func interpreterOf(path string) string {
	line, _, _ := strings.Cut(string(readHead(path)), "\n")
	rest, script := strings.CutPrefix(line, "#!")
	words := strings.FieldsFunc(rest, func(c rune) bool { return c == ' ' || c == '\t' })
	if !script || len(words) == 0 {
		return ""
	}
	return words[0]
}

// readHead returns as much of a file as the kernel looks at.
func readHead(path string) []byte {
	if !isFile(path) { // opening a FIFO would wait
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := f.Read(head)
	return head[:n]
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
