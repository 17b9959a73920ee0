package executor

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// another makes the commands of an executor run as a user that no passwd knows.
func another(t testing.TB, cfg Config) Config {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run commands as another user")
	}
	passable(t, cfg.Dir)
	cfg.Account = &Account{Name: "another", Home: "/home/another", UID: 61234, GID: 61235, Groups: []int{61235, 61236}}
	return cfg
}

// passable lets others through to a directory of testing.T.
func passable(t testing.TB, dir string) {
	t.Helper()
	check(t, os.Chmod(filepath.Dir(dir), 0o711))
}

// tree makes files of name, text and mode in a new directory that all can read;
// a directory has no text.
func tree(t testing.TB, files ...any) string {
	t.Helper()
	dir := t.TempDir()
	passable(t, dir)
	for i := 0; i < len(files); i += 3 {
		path := filepath.Join(dir, files[i].(string))
		if text, isFile := files[i+1].(string); isFile {
			check(t, os.WriteFile(path, []byte(text), 0o600))
		} else {
			check(t, os.Mkdir(path, 0o700))
		}
		check(t, os.Chmod(path, fs.FileMode(files[i+2].(int))))
	}
	return dir
}

func TestAccount(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, another(t, cfg))
		f := r.run(shell(`
			id -u; id -g; id -G
			grep -E '^(Uid|Gid|CapInh|CapPrm|CapEff|CapAmb):' /proc/self/status | tr '\t' ' '
			echo $HOME $USER $LOGNAME
			umask
			stat -c '%u %g %a' .
			touch file; stat -c '%u %g %a' file`))
		wantEnd(t, f, octaskly.Completed, "")
		stdout, stderr := text(t, f.Output)
		want := `61234
61235
61235 61236
Uid: 61234 61234 61234 61234
Gid: 61235 61235 61235 61235
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapAmb: 0000000000000000
/home/another another another
0022
61234 61235 700
61234 61235 644
`
		if stdout != want || stderr != "" {
			t.Errorf("the command says\n%s%s", stdout, stderr)
		}
		wantEnd(t, r.run(shell("test ! -e file")), octaskly.Completed, "")
	})
}

func TestAccountsHome(t *testing.T) {
	cfg := another(t, config(t))
	cfg.Account.Home = ""
	f := newRig(t, cfg).run(shell("echo $HOME"))
	if stdout, _ := text(t, f.Output); stdout != "/\n" {
		t.Errorf("who has no home is at home in %q", stdout)
	}
}

// TestAccountsOutput wants /dev/stdout to be what it is to a command of our own.
func TestAccountsOutput(t *testing.T) {
	r := newRig(t, another(t, config(t)))
	for _, merge := range []bool{false, true} {
		spec := shell("echo a > /dev/stdout; echo b > /dev/stderr; echo c >> /proc/self/fd/1")
		spec.Merge = merge
		f := r.run(spec)
		wantEnd(t, f, octaskly.Completed, "")
		stdout, stderr := text(t, f.Output)
		if want := map[bool]string{false: "a\nc\n|b\n", true: "a\nb\nc\n|"}[merge]; stdout+"|"+stderr != want {
			t.Errorf("merged %v: %q and %q", merge, stdout, stderr)
		}
	}
}

// TestAccountsInput wants a command to read its input, and no more.
func TestAccountsInput(t *testing.T) {
	r := newRig(t, another(t, config(t)))
	dir := tree(t, "input", "precious\n", 0o600)
	a := r.attempt(shell("cat; cat /dev/stdin; echo spoiled > /proc/self/fd/0; echo spoiled >> /dev/stdin; echo spoiled > " + dir + "/input; echo spoiled >&0; exit 3"))
	a.Spec.Stdin, a.StdinPath = "blob", dir+"/input"
	r.Offer([]*Attempt{a})
	f := r.end(a.ID)
	wantEnd(t, f, octaskly.Failed, "exit:3")
	stdout, stderr := text(t, f.Output)
	if stdout != "precious\nprecious\n" || strings.Count(stderr, "Permission denied") != 3 {
		t.Errorf("the command says %q and %q", stdout, stderr)
	}
	if now, err := os.ReadFile(dir + "/input"); string(now) != "precious\n" {
		t.Errorf("the input is now %q, %v", now, err)
	}
	// A box that has the same input reads it as nobody's user.
	if found, err := os.Stat(dir + "/input"); err != nil || found.Mode().Perm() != 0o444 {
		t.Errorf("the input has %v, %v", found, err)
	}
}

// TestAccountsView wants a command to see nothing of the executor's state but its
// own workspace.
func TestAccountsView(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		cfg = another(t, cfg)
		cfg.Slots = 1
		r := newRig(t, cfg)
		wantEnd(t, r.run(shell("head -c 200000 /dev/zero")), octaskly.Completed, "") // leaves a file in output/
		var script strings.Builder
		check(t, filepath.WalkDir(cfg.Dir, func(path string, _ fs.DirEntry, err error) error {
			fmt.Fprintf(&script, "cat '%[1]s' && echo read '%[1]s'; ls '%[1]s/' && echo listed '%[1]s'; echo x >> '%[1]s' && echo written '%[1]s'; mv '%[1]s' '%[1]s.moved' && echo moved '%[1]s'; ", path)
			return err
		}))
		stdout, _ := text(t, r.run(shell("{ "+script.String()+" } 2> /dev/null")).Output)
		if want := "listed " + r.path("work/slot-0") + "\n"; stdout != want {
			t.Errorf("the command could do this:\n%swant\n%s", stdout, want)
		}
	})
}

// TestAccountEnds wants commands of another user to end as ours do.
func TestAccountEnds(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, another(t, cfg))
		spec := shell("trap '' TERM; (setsid sleep 1000 &); sleep 1000")
		spec.Timeout = 50 * time.Millisecond
		wantEnd(t, r.run(spec), octaskly.TimedOut, "timeout")
		f := r.run(shell("mkfifo f; setsid sh -c 'echo $$ > f; exec sleep 1000' & read x < f; echo $x"))
		wantEnd(t, f, octaskly.Completed, "")
		if pid, _ := text(t, f.Output); alive(t, strings.TrimSpace(pid)) {
			t.Error("what the command left is alive")
		}
		id := r.offer(shell("exec sleep 1000"))
		r.begin(id)
		check(t, r.Signal(id, int(unix.SIGUSR1)))
		wantEnd(t, r.end(id), octaskly.Failed, "signal:10")
	})
}

// TestAccountsWorkspace wants root, who removes what another user has made, to
// follow none of its links.
func TestAccountsWorkspace(t *testing.T) {
	cfg := another(t, config(t))
	cfg.Slots = 1
	r := newRig(t, cfg)
	outside := tree(t, "precious", "x", 0o640)
	for name, script := range map[string]string{
		"nothing":        "true",
		"a tree":         "mkdir -p a/b/c; touch a/b/c/d; mkfifo a/f",
		"links out":      "ln -s " + outside + " link; ln -s " + outside + "/precious file; mkdir d; ln -s " + outside + " d/link",
		"unreadable":     "mkdir -p a/b; ln -s " + outside + " a/link; ln -s " + outside + "/precious a/b/c; chmod 0 a/b a; chmod 0 .",
		"mode and group": "chmod 2777 .; chgrp 61236 .",
		"link to itself": "ln -s . self; ln -s self/self again",
		"unmovable":      "! mv $PWD $PWD.moved && ! rmdir $PWD && ! touch ../x && ! mkdir ../slot-1",
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			wantEnd(t, r.run(shell(script)), octaskly.Completed, "")
			f := r.run(shell("ls -A; pwd; stat -c '%u %g %a' ."))
			if stdout, _ := text(t, f.Output); stdout != r.path("work/slot-0")+"\n61234 61235 700\n" {
				t.Errorf("the next command finds %q", stdout)
			}
			info, err := os.Stat(outside + "/precious")
			check(t, err)
			if owner := info.Sys().(*syscall.Stat_t).Uid; info.Mode() != 0o640 || owner != 0 {
				t.Errorf("the file outside has mode %v and owner %d", info.Mode(), owner)
			}
		})
	}
}

// TestRemoveTree is about an executor without root's rights to files: it must
// make directories writable, and no others than those of the tree.
func TestRemoveTree(t *testing.T) {
	cfg := another(t, config(t))
	top := tree(t, "tree", nil, 0o777, "outside", nil, 0o777)
	var err error
	check(t, cfg.Account.look(func() {
		err = errors.Join(
			os.MkdirAll(top+"/tree/a/b/c", 0o700), os.Mkdir(top+"/outside/d", 0o500),
			os.Symlink(top+"/outside/d", top+"/tree/a/b/link"), os.Symlink("../../outside", top+"/tree/a/up"),
			os.Chmod(top+"/tree/a/b", 0), os.Chmod(top+"/tree/a", 0),
		)
		if err == nil {
			err = removeTree(top + "/tree/a")
		}
	}))
	check(t, err)
	if _, err := os.Lstat(top + "/tree/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the tree is there: %v", err)
	}
	if info, err := os.Stat(top + "/outside/d"); err != nil || info.Mode().Perm() != 0o500 {
		t.Errorf("a directory outside is now %v, %v", info, err)
	}
}

func TestAccountRefused(t *testing.T) {
	cfg := another(t, config(t))
	root, hidden := cfg, cfg
	root.Account = &Account{Name: "toor"}
	hidden.Dir = filepath.Join(tree(t, "hidden", nil, 0o700), "hidden", "state")
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{root, `cannot run commands as "toor": that is root`},
		{hidden, `user "another", whom commands run as, cannot enter "` + hidden.Dir + `/work": permission denied; let others pass the directories above it (chmod o+x)`},
	} {
		if _, err := New(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}

// TestAccountNeedsRoot is for who may not change users.
func TestAccountNeedsRoot(t *testing.T) {
	cfg := config(t)
	passable(t, cfg.Dir)
	cfg.Account = &Account{Name: "another", UID: 61234, GID: 61235}
	if os.Geteuid() == 0 {
		cfg.Account.Groups = make([]int, 1<<17) // more than Linux allows
	}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), `cannot look at files as user "another"`) {
		t.Errorf("error %v", err)
	}
}

// TestLook wants a look to have the account's rights and everybody else to keep
// ours meanwhile.
func TestLook(t *testing.T) {
	a := another(t, config(t)).Account
	dir := tree(t, "ours", "x", 0o600, "group", "x", 0o640)
	check(t, os.Chown(dir+"/group", 0, 61236))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			var ours, groups error
			if err := a.look(func() {
				_, ours = os.ReadFile(dir + "/ours")
				_, groups = os.ReadFile(dir + "/group")
			}); err != nil || !errors.Is(ours, fs.ErrPermission) || groups != nil {
				t.Errorf("look: %v; our file: %v; the group's file: %v", err, ours, groups)
			}
		})
		group.Go(func() {
			if _, err := os.ReadFile(dir + "/ours"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestLookupAccount(t *testing.T) {
	nobody, err := LookupAccount("nobody")
	check(t, err)
	if nobody.Name != "nobody" || nobody.UID == 0 || nobody.GID == 0 || nobody.Home == "" || len(nobody.Groups) == 0 || nobody.Groups[0] != nobody.GID {
		t.Errorf("nobody is %+v", nobody)
	}
	own, err := LookupAccount(ownAccount().Name)
	check(t, err)
	if own.UID != os.Geteuid() {
		t.Errorf("we are %+v", own)
	}
	if a, err := LookupAccount("no such user"); err == nil || !strings.Contains(err.Error(), `cannot find user "no such user"`) {
		t.Errorf("found %+v, %v", a, err)
	}
	for _, id := range []string{"", "-1", "4294967295", "4294967296", "x"} {
		if err := readID(id, new(int)); err == nil {
			t.Errorf("%q is an id", id)
		}
	}
}

// TestStoppedStart wants a child that another command has stopped before its exec
// to go on, and a command that somebody has stopped to stay.
func TestStoppedStart(t *testing.T) {
	r := newRig(t, another(t, config(t)))
	id := r.offer(shell("echo started; exec sleep 1000"))
	r.begin(id)
	check(t, r.Signal(id, int(unix.SIGSTOP)))
	stopped := r.entries[id].slot.group.PID()
	waitFor(t, stopped, unix.WSTOPPED)

	pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{})
	check(t, err)
	defer func() {
		check(t, unix.Kill(pid, unix.SIGKILL))
		_, err := syscall.Wait4(pid, nil, 0, nil)
		check(t, err)
	}()
	check(t, unix.Kill(pid, unix.SIGSTOP))
	waitFor(t, pid, unix.WSTOPPED)
	rang := make(chan struct{}, 1)
	alarm := newAlarm(func() {
		r.wakeChildren()
		rang <- struct{}{}
	})
	alarm.start()
	waitFor(t, pid, unix.WCONTINUED)
	alarm.stop()
	<-rang
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", stopped)); err != nil || !strings.Contains(string(stat), ") T ") {
		t.Errorf("the stopped command goes on: %s %v", stat, err)
	}
	r.Stop(id, false)
	wantEnd(t, r.end(id), octaskly.Cancelled, "cancelled")
}

// waitFor waits until a child has changed in one way.
func waitFor(t *testing.T, pid, change int) {
	t.Helper()
	check(t, unix.Waitid(unix.P_PID, pid, nil, change, nil))
}

// TestInheritedWorkspace wants a command that goes on under a new program, whose
// account is another, to keep its workspace, and the next one to get its own.
func TestInheritedWorkspace(t *testing.T) {
	cfg := another(t, config(t))
	w := &workspace{name: "w", path: filepath.Join(cfg.Dir, "w"), account: cfg.Account, log: slog.New(slog.DiscardHandler), fd: -1}
	check(t, w.make())
	w.close()
	next := &workspace{name: "w", account: &Account{UID: 61244, GID: 61245}, log: w.log, fd: -1}
	check(t, next.adopt(w.path))
	next.renew(time.Now())
	check(t, next.make())
	defer next.close()
	if next.made.Uid != 61244 || next.path != w.path {
		t.Errorf("the workspace is %q of %d", next.path, next.made.Uid)
	}
}
