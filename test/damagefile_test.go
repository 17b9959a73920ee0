package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// A dispatcher whose database is a link, a pipe, or has another name says so and
// ends; one whose database is missing beside what another has left goes on with
// other ids, and says that.
func TestOddDatabaseFile(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	id := submit(t, c, "true")
	must(t, c, "wait", id)
	check(t, c.Dispatcher.Stop())
	dir := filepath.Join(c.Dir, "dispatcher")
	db := filepath.Join(dir, "octaskly.db")
	away := filepath.Join(c.Dir, "away.db")
	for want, put := range map[string]func() error{
		"is a symbolic link": func() error { return os.Symlink(away, db) },
		"has 2 names":        func() error { return os.Link(away, db) },
		"is a named pipe":    func() error { return syscall.Mkfifo(db, 0o600) },
	} {
		check(t, os.Rename(db, away))
		check(t, put())
		if said, code := backupTool(t, "backup", dir, filepath.Join(t.TempDir(), "b.tar")); code != 1 || !strings.Contains(said, want) {
			t.Errorf("backup: %d, %s, want …%s…", code, said, want)
		}
		check(t, c.Dispatcher.Launch())
		if code, err := c.Dispatcher.Wait(timeout(t)); err != nil || code != 1 {
			t.Errorf("on a database that %s it ends with %d, %v", want, code, err)
		}
		if logs := c.Dispatcher.Logs(); !strings.Contains(logs, want) {
			t.Errorf("it says %s, want …%s…", logs, want)
		}
		check(t, os.Remove(db))
		check(t, os.Rename(away, db))
	}
	check(t, os.Rename(db, away))
	start(t, c.Dispatcher)
	if s := stats(t, c); s.Damage == nil || !strings.Contains(strings.Join(s.Damage.Lines, "\n"), "it is missing, and what lies beside it tells that there was one: octaskly.ids") {
		t.Errorf("nobody is told: %+v", s.Damage)
	}
	if again := submit(t, c, "true"); len(again) < len("100001") {
		t.Errorf("id %s after %s", again, id)
	}
}
