package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// dispatcherAlone is a cluster whose dispatcher runs, and nobody else.
func dispatcherAlone(t *testing.T, flags ...string) *cluster.Cluster {
	t.Helper()
	c := cluster.Open(t, cluster.Options{DispatcherFlags: flags})
	start(t, c.Dispatcher)
	return c
}

// unkeyed is a worker that has no fleet key.
func unkeyed(c *cluster.Cluster, name string, flags ...string) *cluster.Daemon {
	return c.Worker(name, append([]string{"--join-key-file", ""}, flags...)...)
}

// invite is a file with a fresh invite.
func invite(t *testing.T, c *cluster.Cluster, words ...string) (file string) {
	t.Helper()
	return inviteFile(t, c, must(t, c, append([]string{"worker", "invite"}, words...)...))
}

func inviteFile(t *testing.T, c *cluster.Cluster, text string) (file string) {
	t.Helper()
	f, err := os.CreateTemp(c.Dir, "invite-*")
	check(t, err)
	_, err = f.WriteString(text)
	check(t, err)
	check(t, f.Close())
	return f.Name()
}

var codeShown = regexp.MustCompile(`Waiting for approval: on the dispatcher's machine type: octasklyctl worker approve \S+ ([0-9]{3}-[0-9]{3})`)

// codeOf awaits the code that a worker shows, after others that it has shown.
func codeOf(t *testing.T, w *cluster.Daemon, before ...string) (code string) {
	t.Helper()
	awaitSuccess(t, func() bool {
		all := codeShown.FindAllStringSubmatch(w.Logs(), -1)
		if len(all) <= len(before) {
			return false
		}
		code = all[len(all)-1][1]
		return true
	})
	return code
}

// otherThan is a code that is not this one.
func otherThan(code string) string {
	digits := []byte(code)
	digits[0] = '0' + (digits[0]-'0'+1)%10
	return string(digits)
}

// runs wants a task to run on the worker of this name.
func runs(t *testing.T, c *cluster.Cluster, worker string) {
	t.Helper()
	if got := must(t, c, "run", "--", "sh", "-c", "echo $OCTASKLY_WORKER"); got != worker+"\n" {
		t.Errorf("it ran on %q, not on %q", got, worker)
	}
}

// papers is what a worker holds.
func papers(t *testing.T, c *cluster.Cluster, name string) string {
	t.Helper()
	path := filepath.Join(c.Dir, name, "identity.pem")
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %v", path, info.Mode())
	}
	text, err := os.ReadFile(path)
	check(t, err)
	return string(text)
}

// A worker with the fleet key joins at its first start, and has its certificate from
// then on: after a restart of both it needs the key no longer.
func TestJoinByKey(t *testing.T) {
	c := dispatcherAlone(t)
	w := c.Worker("w1")
	start(t, w)
	awaitLog(t, w, `"This worker has joined" fleet=default way=key`)
	runs(t, c, "w1")
	before := papers(t, c, "w1")
	if strings.Count(before, "BEGIN CERTIFICATE") != 2 {
		t.Errorf("it holds\n%s", strings.ReplaceAll(before, "PRIVATE", "…"))
	}
	check(t, w.Stop())
	check(t, c.Dispatcher.Restart(timeout(t)))
	again := c.Again(w, "--join-key-file", "")
	start(t, again)
	runs(t, c, "w1")
	if papers(t, c, "w1") != before {
		t.Error("it has joined anew after a restart")
	}
}

// An invite lets one worker in, once, until it is over, and only by the dispatcher that
// has made it.
func TestJoinByInvite(t *testing.T) {
	c := dispatcherAlone(t)
	file := invite(t, c)
	w := unkeyed(c, "w1", "--invite-file", file)
	start(t, w)
	awaitLog(t, w, `"This worker has joined" fleet=default way=invite`)
	runs(t, c, "w1")
	check(t, w.Restart(timeout(t)))

	t.Run("used", func(t *testing.T) { refusedInvite(t, c, "w2", file, "used") })
	t.Run("forged", func(t *testing.T) {
		text, err := os.ReadFile(file)
		check(t, err)
		forged := strings.TrimSpace(string(text))
		last := map[bool]string{true: "B", false: "A"}[strings.HasSuffix(forged, "A")]
		forged = forged[:len(forged)-8] + last + forged[len(forged)-7:]
		refusedInvite(t, c, "w3", inviteFile(t, c, forged), "invite")
	})
	t.Run("for another name", func(t *testing.T) {
		refusedInvite(t, c, "w4", invite(t, c, "--name", "somebody"), "somebody")
	})
	t.Run("taken back", func(t *testing.T) {
		file := invite(t, c)
		var list struct{ Invites []struct{ ID string } }
		check(t, json.Unmarshal([]byte(must(t, c, "worker", "invites", "-o", "json")), &list))
		if len(list.Invites) == 0 {
			t.Fatal("there are no invites")
		}
		must(t, c, "worker", "uninvite", list.Invites[0].ID)
		refusedInvite(t, c, "w5", file, "revoked")
	})
	t.Run("expired", func(t *testing.T) {
		file := invite(t, c, "--expires", "1s")
		awaitSuccess(t, func() bool { return strings.Contains(must(t, c, "worker", "invites"), "expired") })
		refusedInvite(t, c, "w7", file, "ended at")
	})
	t.Run("of another fleet", func(t *testing.T) {
		other := dispatcherAlone(t)
		x := unkeyed(c, "w6", "--invite-file", invite(t, other))
		check(t, x.Launch())
		awaitLog(t, x, "is not the dispatcher")
		check(t, x.Stop())
	})
}

// refusedInvite wants the dispatcher to turn a worker down, which then asks to be
// approved.
func refusedInvite(t *testing.T, c *cluster.Cluster, name, file, why string) {
	t.Helper()
	w := unkeyed(c, name, "--invite-file", file)
	check(t, w.Launch())
	awaitLog(t, w, `"The dispatcher does not take the worker; it tries another way" way=invite next=approval`)
	if line := lineWith(w.Logs(), "it tries another way"); !strings.Contains(line, why) {
		t.Errorf("it does not say %q: %s", why, line)
	}
	codeOf(t, w)
	if w.Ready() || strings.Contains(w.Logs(), "has joined") {
		t.Error("it has joined")
	}
	check(t, w.Stop())
}

func lineWith(log, text string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// A worker that has nothing shows a code, which somebody types at the dispatcher's.
func TestJoinByCode(t *testing.T) {
	t.Run("alone", func(t *testing.T) {
		c := dispatcherAlone(t)
		joinByCode(t, c, unkeyed(c, "w1"))
	})
	t.Run("before an executor", func(t *testing.T) {
		c := dispatcherAlone(t)
		w, executor := c.Apart("w1")
		start(t, executor)
		joinByCode(t, c, c.Again(w, "--join-key-file", ""))
	})
	t.Run("by QUIC", func(t *testing.T) {
		c := dispatcherAlone(t)
		joinByCode(t, c, unkeyed(c, "w1", "--transport", "quic"))
	})
}

func joinByCode(t *testing.T, c *cluster.Cluster, w *cluster.Daemon) {
	t.Helper()
	check(t, w.Launch())
	code := codeOf(t, w)
	if page := must(t, c, "worker", "pending"); !strings.Contains(page, "w1") || strings.Contains(page, code) {
		t.Errorf("pending says\n%s", page)
	}
	if r := c.Ctl(timeout(t), "--socket", w.Socket(), "worker", "ls"); !strings.Contains(r.Stdout+r.Stderr, code) {
		t.Errorf("the worker's own socket says\n%s%s", r.Stdout, r.Stderr)
	}
	must(t, c, "worker", "approve", "w1", code)
	check(t, w.AwaitReady(timeout(t)))
	runs(t, c, "w1")
}

// Three wrong codes end it, and the worker waits before it asks again.
func TestWrongCodes(t *testing.T) {
	c := dispatcherAlone(t)
	w := unkeyed(c, "w1")
	check(t, w.Launch())
	var shown []string
	for range 3 {
		shown = append(shown, codeOf(t, w, shown...))
		if r := c.Ctl(timeout(t), "worker", "approve", "w1", otherThan(shown[len(shown)-1])); r.Code == 0 {
			t.Error("a wrong code is taken")
		}
	}
	awaitLog(t, w, "it waits before it asks again")
	awaitLog(t, w, "are used up")
	if r := c.Ctl(timeout(t), "worker", "approve", "w1", shown[2]); r.Code == 0 {
		t.Error("the right code is taken afterwards")
	}
	if w.Ready() {
		t.Error("it has joined")
	}
}

func TestReject(t *testing.T) {
	c := dispatcherAlone(t)
	w := unkeyed(c, "w1")
	check(t, w.Launch())
	codeOf(t, w)
	must(t, c, "worker", "reject", "w1")
	awaitLog(t, w, "No session with the dispatcher; trying again")
	if w.Ready() {
		t.Error("it has joined")
	}
}

// What is removed is gone at once, stays out with all that it has, a copy of its
// identity too, and is let in again by an operator alone.
func TestRemovedStaysOut(t *testing.T) {
	for way, flags := range map[string][]string{"key": nil, "code": {"--join-key-file", ""}} {
		t.Run(way, func(t *testing.T) {
			c := dispatcherAlone(t)
			w := c.Worker("w1", flags...)
			check(t, w.Launch())
			if way == "code" {
				must(t, c, "worker", "approve", "w1", codeOf(t, w))
			}
			check(t, w.AwaitReady(timeout(t)))
			id := submit(t, c, "--", "sleep", "600")
			awaitState(t, c, id, "running")
			must(t, c, "worker", "remove", "w1")
			awaitState(t, c, id, "queued")
			awaitLog(t, w, "this worker was removed; let it in again with: octasklyctl worker approve "+w.Name)
			must(t, c, "cancel", id)

			copied := c.Worker("w2", flags...)
			check(t, os.Mkdir(filepath.Join(c.Dir, "w2"), 0o700))
			for _, name := range []string{"id", "identity.pem"} {
				text, err := os.ReadFile(filepath.Join(c.Dir, "w1", name))
				check(t, err)
				check(t, os.WriteFile(filepath.Join(c.Dir, "w2", name), text, 0o600))
			}
			check(t, c.Again(copied, "--name", "w1").Launch())
			awaitLog(t, copied, "this worker was removed")
			check(t, copied.Stop())

			before := len(codeShown.FindAllString(w.Logs(), -1))
			must(t, c, "worker", "approve", "w1")
			if way == "code" {
				must(t, c, "worker", "approve", "w1", codeOf(t, w, make([]string, before)...))
			}
			awaitSuccess(t, func() bool { return c.Ctl(timeout(t), "worker", "show", "w1").Code == 0 })
			runs(t, c, "w1")
		})
	}
}

// awaitState waits until a task is in that state.
func awaitState(t *testing.T, c *cluster.Cluster, id, state string) {
	t.Helper()
	awaitSuccess(t, func() bool {
		var page struct{ State string }
		r := c.Ctl(timeout(t), "show", "-o", "json", id)
		return r.Code == 0 && json.Unmarshal([]byte(r.Stdout), &page) == nil && page.State == state
	})
}

// Names that are not on the list do not join, whatever they have.
func TestJoinList(t *testing.T) {
	c := dispatcherAlone(t, "--join-allow", "web-*", "--join-key=false")
	for name, flags := range map[string][]string{"db1": nil, "web-1": nil} {
		w := c.Worker(name, flags...)
		check(t, w.Launch())
		awaitLog(t, w, "the dispatcher refuses")
		check(t, w.Stop())
	}
	w := unkeyed(c, "web-2", "--invite-file", invite(t, c))
	start(t, w)
	runs(t, c, "web-2")
	log := must(t, c, "audit", "ls", "--what", "worker.join", "--outcome", "refused")
	for _, want := range []string{"db1", "no worker named", "web-1", "the fleet key alone"} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log of refusals does not say %q:\n%s", want, log)
		}
	}
	_, rows := auditLog(t, c, "--what", "worker.join")
	for _, r := range rows { // refusals are counted together by where they come from
		if r.From != "127.0.0.1" {
			t.Errorf("%s comes from %q, which is more than a host", r.Target, r.From)
		}
	}
}

// Two machines that show the identity of one, a cloned disk or a theft, do not end each
// other's sessions for ever: what runs on the one that is connected goes on.
func TestTwoWithOneIdentity(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	w1 := c.Worker("w1")
	start(t, w1)
	check(t, os.Mkdir(filepath.Join(c.Dir, "w2"), 0o700))
	for _, name := range []string{"id", "identity.pem"} {
		text, err := os.ReadFile(filepath.Join(c.Dir, "w1", name))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(c.Dir, "w2", name), text, 0o600))
	}
	w2 := c.Worker("w2", "--name", "w1")
	check(t, w2.Launch())
	awaitSuccess(t, func() bool { return strings.Contains(w1.Logs()+w2.Logs(), "they end each other's sessions") })
	expect(t, c.Ctl(timeout(t), "run", "--", "sh", "-c", "sleep 2; echo fine"), 0, "fine\n", "")
}
