package executor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestDirectories(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	for _, dir := range []string{"data/a", "data-b", "scratch", "other"} {
		check(t, os.MkdirAll(filepath.Join(base, dir), 0o700))
	}
	for link, target := range map[string]string{"data/out": base + "/other", "data/in": "a", "link": "scratch", "loop": "loop"} {
		check(t, os.Symlink(target, filepath.Join(base, link)))
	}
	check(t, os.WriteFile(base+"/data/file", nil, 0o600))
	check(t, os.WriteFile(base+"/data/a/tool", []byte("#!/bin/sh\npwd"), 0o700))
	cfg := config(t)
	cfg.Slots = 1
	cfg.Directories = []string{base + "/missing", base + "/data/", base + "/link"}
	r := newRig(t, cfg)
	for _, tt := range []struct {
		dir    string
		reason octaskly.Reason
		want   string // stdout or, with a reason, detail
	}{
		{"/data", "", "/data"},
		{"/data/a", "", "/data/a"},
		{"/data/a/..//a/.", "", "/data/a"},
		{"/data/in", "", "/data/a"},
		{"/scratch", "", "/scratch"},
		{"/link", "", "/scratch"},
		{"/data-b", "cwd:EACCES", `/data-b" lies below none of ` + strings.Join(cfg.Directories, ", ") + `, which is all that worker "rig" allows: see directories in its executor.toml`},
		{"/data/..", "cwd:EACCES", "lies below none of"},
		{"/data/out", "cwd:EACCES", "lies below none of"},
		{"", "cwd:EACCES", "lies below none of"},
		{"/data/gone", "cwd:ENOENT", "does not exist on worker"},
		{"/data/file", "cwd:ENOTDIR", "is not a directory"},
		{"/loop", "cwd:ELOOP", "too many levels"},
	} {
		f := r.run(octaskly.Spec{Argv: []string{"pwd"}, Dir: base + tt.dir})
		if tt.reason == "" {
			wantEnd(t, f, octaskly.Completed, "")
			if stdout, _ := text(t, f.Output); stdout != base+tt.want+"\n" {
				t.Errorf("%q: the command is in %q", tt.dir, stdout)
			}
			continue
		}
		if wantEnd(t, f, octaskly.Failed, tt.reason); !strings.Contains(f.End.Detail, tt.want) {
			t.Errorf("%q: detail %q, want %q", tt.dir, f.End.Detail, tt.want)
		}
	}

	// What is relative, is so to the directory.
	for _, argv := range []string{"./tool", "tool"} {
		f := r.run(octaskly.Spec{Argv: []string{argv}, Dir: base + "/data/in", Env: []string{"PATH=."}})
		wantEnd(t, f, octaskly.Completed, "")
	}
	f := r.run(octaskly.Spec{Argv: []string{"tool"}, Dir: base + "/data/in"})
	if wantEnd(t, f, octaskly.Failed, "spawn:ENOENT"); !strings.Contains(f.End.Detail, "write ./tool") {
		t.Errorf("detail %q", f.End.Detail)
	}
	// Without a directory of its own a command has its workspace.
	wantEnd(t, r.run(octaskly.Spec{Argv: []string{"true"}}), octaskly.Completed, "")
}

// TestDirectoriesLeak wants no descriptor of ours in a command, and none left.
func TestDirectoriesLeak(t *testing.T) {
	cfg := config(t)
	dir := t.TempDir()
	cfg.Directories = []string{dir}
	r := newRig(t, cfg)
	spec := octaskly.Spec{Argv: []string{"ls", "/proc/self/fd"}, Dir: dir}
	wantEnd(t, r.run(spec), octaskly.Completed, "")
	before := descriptors(t)
	for range 10 {
		f := r.run(spec)
		if stdout, _ := text(t, f.Output); stdout != "0\n1\n2\n3\n" { // 3 is what ls reads
			t.Errorf("open in the command are %q", stdout)
		}
		wantEnd(t, r.run(octaskly.Spec{Argv: []string{"true"}, Dir: "/etc"}), octaskly.Failed, "cwd:EACCES")
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	check(t, err)
	return len(names)
}

// TestAccountsDirectories wants nothing told of directories that the account may
// not enter, and nobody let in by root's rights.
func TestAccountsDirectories(t *testing.T) {
	base := tree(t, "open", nil, 0o755, "open/private", nil, 0o700, "open/private/pub", nil, 0o755, "secret", nil, 0o700, "secret/exists", nil, 0o755)
	for _, directories := range [][]string{nil, {base}, {"/"}, {base + "/open", base + "/secret/exists"}} {
		cfg := another(t, config(t))
		cfg.Directories = directories
		r := newRig(t, cfg)
		f := r.run(octaskly.Spec{Argv: []string{"pwd"}, Dir: base + "/open"})
		wantEnd(t, f, octaskly.Completed, "")
		for _, dir := range []string{"/open/private", "/open/private/pub", "/secret", "/secret/exists", "/secret/missing"} {
			f := r.run(octaskly.Spec{Argv: []string{"pwd"}, Dir: base + dir})
			wantEnd(t, f, octaskly.Failed, "cwd:EACCES")
			want := `user "another" on worker "rig" may not enter directory "` + base + dir + `"`
			if f.End.Detail != want && !(dir == "/secret" && strings.Contains(f.End.Detail, "lies below none of")) {
				t.Errorf("with %q: %q, want %q", directories, f.End.Detail, want)
			}
		}
	}
}

func TestAccountsPrograms(t *testing.T) {
	const script = "#!/bin/sh\necho here\n"
	dir := tree(t,
		"hidden", nil, 0o700, "hidden/tool", script, 0o755,
		"ours", nil, 0o755, "ours/tool", script, 0o700, "ours/only", script, 0o700,
		"all", nil, 0o755, "all/tool", script, 0o755,
	)
	check(t, os.WriteFile(dir+"/all/denied", []byte("#!"+dir+"/ours/only\n"), 0o600))
	check(t, os.Chmod(dir+"/all/denied", 0o755))
	r := newRig(t, another(t, config(t)))
	who := `user "another" on worker "rig"`
	path := "PATH=" + dir + "/hidden:" + dir + "/ours:" + dir + "/all:/bin"
	for _, tt := range []struct {
		argv   string
		reason octaskly.Reason
		want   string
	}{
		{"tool", "", ""}, // the only one that the account may execute
		{"only", "spawn:EACCES", `/ours/only" cannot be executed: ` + who + " has no permission"},
		{dir + "/hidden/tool", "spawn:EACCES", `/hidden/tool" cannot be executed: ` + who + " may not enter a directory above it"},
		{dir + "/hidden/missing", "spawn:EACCES", `/hidden/missing" cannot be executed: ` + who + " may not enter a directory above it"},
		{dir + "/ours/tool", "spawn:EACCES", `/ours/tool" cannot be executed: ` + who + " has no permission"},
		{"denied", "spawn:EACCES", `/all/denied" cannot be executed: ` + who + ` may not execute "` + dir + `/ours/only", which its first line asks for`},
	} {
		f := r.run(octaskly.Spec{Argv: []string{tt.argv}, Env: []string{path}})
		if tt.reason == "" {
			wantEnd(t, f, octaskly.Completed, "")
			if stdout, _ := text(t, f.Output); stdout != "here\n" {
				t.Errorf("%s says %q", tt.argv, stdout)
			}
			continue
		}
		if wantEnd(t, f, octaskly.Failed, tt.reason); !strings.HasSuffix(f.End.Detail, tt.want) {
			t.Errorf("%s: %q, want %q", tt.argv, f.End.Detail, tt.want)
		}
	}
}

// TestDirectoryByMagicLink wants /proc/PID/cwd of another user's process to lead
// nowhere, as it does for the account itself.
func TestDirectoryByMagicLink(t *testing.T) {
	cfg := another(t, config(t))
	dir := t.TempDir()
	check(t, os.MkdirAll(dir+"/private/sub", 0o755))
	check(t, os.Chmod(dir+"/private", 0o700))
	cfg.Directories = []string{dir}
	r := newRig(t, cfg)
	holder := exec.Command("sleep", "1000")
	holder.Dir = dir + "/private/sub"
	check(t, holder.Start())
	defer func() { _, _ = holder.Process.Kill(), holder.Wait() }()
	spec := shell("pwd")
	spec.Dir = "/proc/" + strconv.Itoa(holder.Process.Pid) + "/cwd"
	wantEnd(t, r.run(spec), octaskly.Failed, "cwd:EACCES")
}
