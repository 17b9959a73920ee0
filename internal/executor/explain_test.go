package executor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestNotExecuted(t *testing.T) {
	r := newRig(t, config(t))
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	file("x", "#!/bin/sh\n", 0o700)
	fifo := filepath.Join(dir, "fifo")
	check(t, unix.Mkfifo(fifo, 0o700))
	long := strings.Repeat("x", 140_000)
	for _, tt := range []struct {
		argv   string
		spec   octaskly.Spec
		code   int
		reason octaskly.Reason
		detail string
	}{
		{"no-such-thing", octaskly.Spec{}, 127, "spawn:ENOENT", `command "no-such-thing" was not found on worker "rig", which looked in /usr/local/sbin`},
		{"x", octaskly.Spec{Dir: dir}, 127, "spawn:ENOENT", "write ./x"},
		{"/no/such/thing", octaskly.Spec{}, 127, "spawn:ENOENT", `file "/no/such/thing" does not exist on worker "rig"; files do not travel by themselves`},
		{"/bin/sh/x", octaskly.Spec{}, 125, "spawn:ENOTDIR", "does not exist"},
		{dir, octaskly.Spec{}, 126, "spawn:EISDIR", "is a directory"},
		{"./", octaskly.Spec{}, 126, "spawn:EISDIR", "is a directory"},
		{file("plain", "#!/bin/sh\n", 0o600), octaskly.Spec{}, 126, "spawn:EACCES", "plain\" is not executable; chmod +x it"},
		{"plain", octaskly.Spec{Env: []string{"PATH=" + dir}}, 126, "spawn:EACCES", "plain\" is not executable; chmod +x it"},
		{fifo, octaskly.Spec{}, 126, "spawn:EACCES", "fifo\" cannot be executed"},
		{file("bare", "echo hi\n", 0o700), octaskly.Spec{}, 126, "spawn:ENOEXEC", "give it a first line such as #!/bin/sh"},
		{file("empty", "", 0o700), octaskly.Spec{}, 126, "spawn:ENOEXEC", "it is empty"},
		{file("elf", "\x7fELF\x02\x01\x01", 0o700), octaskly.Spec{}, 126, "spawn:ENOEXEC", "another kind of machine"},
		{file("lost", "#! /no/interpreter -x\n", 0o700), octaskly.Spec{}, 127, "spawn:ENOENT", `asks for "/no/interpreter", which does not exist`},
		{file("windows", "#!/bin/sh\r\necho hi\r\n", 0o700), octaskly.Spec{}, 127, "spawn:ENOENT", "dos2unix"},
		{file("denied", "#!"+dir+"/plain\n", 0o700), octaskly.Spec{}, 126, "spawn:EACCES", "may not execute"},
		{"true", octaskly.Spec{Dir: dir + "/missing"}, 125, "cwd:ENOENT", `missing" does not exist on worker "rig"; files do not travel by themselves`},
		{"./x", octaskly.Spec{Dir: dir + "/missing"}, 125, "cwd:ENOENT", "missing"},
		{"true", octaskly.Spec{Dir: dir + "/x"}, 125, "cwd:ENOTDIR", "is not a directory"},
		{"uname -a", octaskly.Spec{}, 127, "spawn:ENOENT", "--shell"},
		{"true", octaskly.Spec{Env: []string{"X=" + long}}, 125, "spawn:E2BIG", "--stdin"},
		{"true\x00", octaskly.Spec{}, 125, "spawn:EINVAL", "NUL"},
		{"", octaskly.Spec{}, 125, "spawn:EINVAL", "there is no command"},
	} {
		if tt.spec.Argv = []string{tt.argv}; tt.argv == "" {
			tt.spec.Argv = nil
		}
		f := r.run(tt.spec)
		wantEnd(t, f, octaskly.Failed, tt.reason)
		if !strings.Contains(f.End.Detail, tt.detail) || !f.End.StartedAt.IsZero() || f.End.EndedAt.IsZero() {
			t.Errorf("%q: %+v, want a detail with %q", tt.argv, f.End, tt.detail)
		}
		if code := octaskly.ExitCode(f.End.State, f.End.Reason); code != tt.code {
			t.Errorf("%q: exit code %d, want %d", tt.argv, code, tt.code)
		}
	}
	wantEnd(t, r.run(shell("exit 0")), octaskly.Completed, "")
}

func TestInterpreterOf(t *testing.T) {
	for head, want := range map[string]string{
		"#!/bin/sh\nx": "/bin/sh", "#! \t/bin/sh -e\n": "/bin/sh", "#!/bin/sh": "/bin/sh", "#!/bin/sh\r\n": "/bin/sh\r",
		"#!": "", "#!\n/bin/sh": "", "": "", "\n#!/bin/sh": "", "/bin/sh": "",
	} {
		path := filepath.Join(t.TempDir(), "x")
		check(t, os.WriteFile(path, []byte(head), 0o600))
		if got := interpreterOf(path); got != want {
			t.Errorf("%q asks for %q, want %q", head, got, want)
		}
	}
}
