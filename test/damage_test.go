package test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// rootOf is the first page of a table's tree, in the file as it lies there.
func rootOf(t *testing.T, path, table string) (root int64) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	check(t, err)
	defer db.Close()
	check(t, db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = ?`, table).Scan(&root))
	return root
}

// spoil overwrites a page of a database as a failing disk would.
func spoil(t *testing.T, path string, page int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	check(t, err)
	garbage := []byte(strings.Repeat("garbage ", 512))
	_, err = f.WriteAt(garbage, (page-1)*int64(len(garbage)))
	check(t, err)
	check(t, f.Close())
}

// history is a dispatcher that has run many tasks, each of which has written its
// name into a file, and has another that runs and some that wait.
type history struct {
	*cluster.Cluster
	db      string
	runs    string // where tasks write their names
	ended   []string
	gate    *gate
	running string
	waiting []string
}

const endedTasks = 60

func newHistory(t *testing.T) *history {
	t.Helper()
	c := cluster.Start(t, cluster.Options{DispatcherFlags: []string{"--limits-lease", "10s"}, WorkerFlags: []string{"--slots", "2"}})
	h := &history{Cluster: c, db: filepath.Join(c.Dir, "dispatcher", "octaskly.db"), runs: filepath.Join(t.TempDir(), "runs"), gate: newGate(t)}
	for range endedTasks {
		h.ended = append(h.ended, h.submit(t))
	}
	must(t, c, append([]string{"wait"}, h.ended...)...)
	h.running = submit(t, c, h.gate.command("echo through")...)
	h.gate.await(t)
	for range 5 { // there is room for one alone, which the running one has
		h.waiting = append(h.waiting, h.submit(t, "--cpus", "1000"))
	}
	return h
}

// submit submits a task that tells of its run.
func (h *history) submit(t *testing.T, flags ...string) string {
	t.Helper()
	return submit(t, h.Cluster, append(flags, "--", "sh", "-c", fmt.Sprintf(`echo "$OCTASKLY_TASK_ID" >> %s; head -c 3000 /dev/zero | tr '\0' x`, h.runs))...)
}

// settled checks what must be true when a damaged database was salvaged.
func (h *history) settled(t *testing.T) {
	t.Helper()
	s := stats(t, h.Cluster)
	if s.Damage == nil || len(s.Damage.Lines) < 2 {
		t.Fatalf("nobody is told: %+v\n%s", s, h.Dispatcher.Logs())
	}
	awaitLog(t, h.Dispatcher, "The database is damaged")
	if kept, _ := filepath.Glob(h.db + ".damaged-*Z"); len(kept) != 1 {
		t.Errorf("kept: %v", kept)
	}
	must(t, h.Cluster, "ls", "-a")
	for _, id := range h.ended {
		if d := show(t, h.Cluster, id); d.State != octaskly.Completed {
			t.Errorf("task %s had completed, and is %v", id, d.State)
		}
	}
	h.gate.await(t) // the running one begins anew, since nobody knows what became of it
	h.gate.pass(t)
	must(t, h.Cluster, "wait", h.running)
	if got := must(t, h.Cluster, "logs", h.running); got != "through\n" {
		t.Errorf("its output is %q", got)
	}
	for range 3 {
		must(t, h.Cluster, "wait", h.submit(t))
	}
	text, err := os.ReadFile(h.runs)
	check(t, err)
	for _, id := range h.ended {
		if n := strings.Count("\n"+string(text), "\n"+id+"\n"); n != 1 {
			t.Errorf("task %s has run %d times", id, n)
		}
	}
	for _, id := range h.waiting {
		if d := show(t, h.Cluster, id); d.State != octaskly.Queued {
			t.Errorf("task %s waited, and is %v", id, d.State)
		}
	}
}

// A page of any table that is damaged while the dispatcher is away is noticed,
// and what it does not hold goes on; what had ended does not run again.
func TestDamageWhileStopped(t *testing.T) {
	for _, table := range []string{"tasks", "progress", "results", "workers", "jobs_by_owner", "sqlite_schema"} {
		t.Run(table, func(t *testing.T) {
			h := newHistory(t)
			check(t, h.Dispatcher.Stop())
			page := int64(1)
			if table != "sqlite_schema" {
				page = rootOf(t, h.db, table)
			}
			spoil(t, h.db, page)
			start(t, h.Dispatcher)
			h.settle(t)
			h.settled(t)
		})
	}
}

// settle waits until the damage has been found, by whoever reads.
func (h *history) settle(t *testing.T) {
	t.Helper()
	for s := stats(t, h.Cluster); s.Damage == nil; s = stats(t, h.Cluster) {
		if s.CheckedAt != nil {
			t.Fatalf("a damaged database is found sound\n%s", h.Dispatcher.Logs())
		}
	}
}

// Damage to a database in use is noticed by the first who reads it. Until it is
// salvaged requests hear why they have to wait.
func TestDamageWhileRunning(t *testing.T) {
	h := newHistory(t)
	check(t, h.Dispatcher.Stop()) // copies the log back, so that the file is what is read
	start(t, h.Dispatcher)
	for stats(t, h.Cluster).CheckedAt == nil { // so that it is not this check that finds it
	}
	spoil(t, h.db, rootOf(t, h.db, "results"))
	for _, id := range h.ended {
		h.Ctl(timeout(t), "show", id)
	}
	awaitSuccess(t, func() bool { return stats(t, h.Cluster).Damage != nil })
	h.settled(t)
}

// A backup that is made under load has all that was accepted before; restored,
// it is another fleet's to the workers of the old one.
func TestBackup(t *testing.T) {
	h := newHistory(t)
	long := submit(t, h.Cluster, "--", "sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x")
	must(t, h.Cluster, "wait", long)
	var load sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					h.Ctl(timeout(t), "submit", "--", "true")
				}
			}
		})
	}
	file := filepath.Join(t.TempDir(), "b.tar")
	said, code := backupTool(t, "backup", filepath.Join(h.Dir, "dispatcher"), file)
	close(stop)
	load.Wait()
	if code != 0 || !strings.Contains(said, "fleet key is not in the backup") {
		t.Fatalf("backup: %d, %s", code, said)
	}
	if said, code := backupTool(t, "restore", filepath.Join(h.Dir, "dispatcher"), file); code != 1 || !strings.Contains(said, "a dispatcher is using it; stop that first") {
		t.Errorf("restore under a running dispatcher: %d, %s", code, said)
	}
	h.restore(t, file)
	alone := submit(t, h.Cluster, "--at-most-one", "--", "true")
	awaitSuccess(t, func() bool { return strings.Contains(show(t, h.Cluster, alone).Waits, "of the earlier database") })
	for _, id := range append(h.ended, long) {
		if d := show(t, h.Cluster, id); d.State != octaskly.Completed {
			t.Errorf("task %s had completed, and is %v", id, d.State)
		}
	}
	if got := must(t, h.Cluster, "logs", long); len(got) != 200_000 {
		t.Errorf("%d bytes of long output are left", len(got))
	}
	h.gate.await(t) // for a second time: the first was another dispatcher's
	h.gate.pass(t)
	must(t, h.Cluster, "wait", h.running)
	if d := show(t, h.Cluster, h.running); len(d.Attempts) != 2 || d.Attempts[0].Reason != octaskly.ReasonReleased {
		t.Errorf("attempts: %+v", d.Attempts)
	}
	must(t, h.Cluster, "wait", alone) // a lease after the restore
	var next int
	if _, err := fmt.Sscan(h.submit(t), &next); err != nil || next < 1_000_000 {
		t.Errorf("the next id is %d: %v", next, err)
	}
}

// restore replaces what the dispatcher has by what a backup holds.
func (h *history) restore(t *testing.T, file string) {
	t.Helper()
	check(t, h.Dispatcher.Stop())
	dir := filepath.Join(h.Dir, "dispatcher")
	said, code := backupTool(t, "restore", dir, file)
	if code != 1 || !strings.Contains(said, "there is a database already") {
		t.Errorf("restore over a database: %d, %s", code, said)
	}
	check(t, os.Mkdir(dir+".old", 0o700))
	for _, name := range []string{"octaskly.db", "blobs", "output"} {
		check(t, os.Rename(filepath.Join(dir, name), filepath.Join(dir+".old", name)))
	}
	if said, code := backupTool(t, "restore", dir, file); code != 0 {
		t.Fatalf("restore: %d, %s", code, said)
	}
	start(t, h.Dispatcher)
	awaitLog(t, h.Dispatcher, "The database is a copy")
}

// backupTool runs octasklyd dispatcher backup or restore.
func backupTool(t *testing.T, verb, stateDir, file string, flags ...string) (stderr string, code int) {
	t.Helper()
	return dispatcherTool(t, verb, stateDir, append(flags, file)...)
}

// dispatcherTool is octasklyd dispatcher VERB, about what lies in stateDir.
func dispatcherTool(t *testing.T, verb, stateDir string, words ...string) (stderr string, code int) {
	t.Helper()
	_, stderr, code = daemonTool(t, append([]string{"dispatcher", verb, "--state-dir", stateDir}, words...)...)
	return stderr, code
}

// daemonTool runs a command of octasklyd that ends by itself.
func daemonTool(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	programs, err := cluster.Build()
	check(t, err)
	cmd := exec.CommandContext(timeout(t), programs.Daemon, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "OCTASKLY_CONFIG_DIR=" + t.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}
