package test

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/test/cluster"
)

// auditLog is the rows of the audit log, the oldest first: who, what, to what, and how it
// came out.
func auditLog(t *testing.T, c *cluster.Cluster, flags ...string) (rows []string, all []api.AuditRow) {
	t.Helper()
	var said api.Audit
	check(t, json.Unmarshal([]byte(must(t, c, append([]string{"audit", "ls", "-o", "json", "--limit", "1000"}, flags...)...)), &said))
	slices.Reverse(said.Actions)
	for _, r := range said.Actions {
		rows = append(rows, strings.Join([]string{r.Who, r.What, r.Target, r.Outcome}, " "))
	}
	return rows, said.Actions
}

// deeds are a session of some that are done and some that are refused, and what the log
// has of them.
func deeds(t *testing.T, c *cluster.Cluster) (want []string) {
	t.Helper()
	me := strings.TrimSpace(must(t, c, "whoami", "-o", "quiet"))
	file := passwordOf(t, "ann")
	must(t, c, "user", "add", "--password-file", file, "ann")
	logIn(t, c, "ann", file)
	ann := &person{c, "ann", newToken(t, c, "--user", "ann"), browser(t, c)}
	_, rows := auditLog(t, c, "--what", "token.create")
	token := rows[0].Target

	must(t, c, "submit", "--", "true")
	ann.must(t, "run", "--", "true")
	must(t, c, "wait", "1")
	ann.must(t, "submit", "--", "sleep", "1000")
	ann.must(t, "cancel", "3")
	c.Ctl(timeout(t), "wait", "3") // only what has ended is run again
	ann.must(t, "retry", "3")
	ann.must(t, "cancel", "3")
	ann.must(t, "ls", "-a")
	ann.must(t, "logs", "2")
	for _, refused := range [][]string{{"cancel", "1"}, {"show", "1"}, {"retry", "99"}, {"user", "ls"}, {"user", "add", "eve"}, {"audit"}, {"worker", "drain", "w1"}} {
		if r := ann.ctl(t, refused...); r.Code == 0 {
			t.Errorf("ann may %v", refused)
		}
	}
	ann.do(t, "POST", "/api/v1/tasks", `{"argv":["true"],"retries":-1}`).refused(t, "bad input", 400, "bad-input")
	ask(t, ann.web, c.REST()+"/api/v1/tasks", "GET", "").refused(t, "nobody", 401, "unauthorized")
	ask(t, ann.web, c.REST()+"/api/v1/login", "POST", `{"user":"ann","password":"guess"}`).refused(t, "a guess", 401, "unauthorized")
	must(t, c, "worker", "drain", "w1")
	must(t, c, "worker", "resume", "w1")
	must(t, c, "token", "revoke", token)
	ann.do(t, "GET", "/api/v1/self", "").refused(t, "revoked", 401, "unauthorized")
	session := loginOf(t, c)
	ann.must(t, "logout")
	must(t, c, "user", "remove", "ann")
	return []string{
		" worker.join w1 done",
		me + " user.create ann done", "ann session.login ann done", me + " token.create " + token + " done",
		me + " task.submit 1 done", "ann task.submit 2 done", "ann task.submit 3 done", "ann task.cancel 3 done", "ann task.retry 3 done", "ann task.cancel 3 done",
		"ann task.cancel 1 denied", "ann task.read 1 denied", "ann task.retry 99 not-found", "ann user.read  denied", "ann user.create  denied",
		"ann audit.read  denied", "ann worker.drain w1 denied", "ann task.submit  bad-input", " task.read  unauthorized", " session.login ann unauthorized",
		me + " worker.drain w1 done", me + " worker.resume w1 done", me + " token.revoke " + token + " done", " self.read  unauthorized",
		"ann session.logout " + session + " done", me + " user.remove ann done",
	}
}

// loginOf is the id of the only login.
func loginOf(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	var said api.Tokens
	check(t, json.Unmarshal([]byte(must(t, c, "token", "ls", "--all", "-o", "json")), &said))
	for _, token := range said.Tokens {
		if token.Kind == "login" {
			return token.ID
		}
	}
	t.Fatal("nobody is logged in")
	return ""
}

// The log has what was done and what was refused, each once, and nothing else.
func TestAudit(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	want := deeds(t, c)
	got, rows := auditLog(t, c)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i, r := range rows {
		if r.Seq != int64(i+1) || r.At.IsZero() || r.From == "" || len(r.Hash) != 64 {
			t.Errorf("row %+v", r)
		}
	}
	refused, _ := auditLog(t, c, "--outcome", "refused")
	if slices.ContainsFunc(refused, func(row string) bool { return strings.HasSuffix(row, " done") }) || len(refused) != 11 {
		t.Errorf("refused: %q", refused)
	}
	if of, _ := auditLog(t, c, "--who", "ann", "--what", "task"); len(of) != 9 {
		t.Errorf("ann's of tasks: %q", of)
	}
	if intact := must(t, c, "audit", "verify"); !strings.HasPrefix(intact, "intact: ") {
		t.Errorf("verify: %s", intact)
	}
}

// tampered is a dispatcher whose log is changed behind its back.
type tampered struct {
	c       *cluster.Cluster
	file    string // the database
	kept    []byte // as it was
	anchor  string // a file
	lastSeq int64
}

func newTampered(t *testing.T) *tampered {
	t.Helper()
	x := &tampered{c: cluster.Open(t, cluster.Options{REST: true})}
	start(t, x.c.Dispatcher)
	for i := range 8 {
		must(t, x.c, "submit", "--name", "job-"+itoa(i), "--", "true")
	}
	x.anchor = filepath.Join(t.TempDir(), "anchor.json")
	anchor := must(t, x.c, "audit", "anchor")
	check(t, os.WriteFile(x.anchor, []byte(anchor), 0o600))
	must(t, x.c, "submit", "--", "true")
	_, rows := auditLog(t, x.c)
	x.lastSeq = rows[len(rows)-1].Seq
	check(t, x.c.Dispatcher.Stop())
	x.file = filepath.Join(x.c.Dir, "dispatcher", "octaskly.db")
	x.kept = readFile(t, x.file)
	return x
}

func execute(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1) // for ATTACH
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// verify starts a dispatcher on the database and has it verify the log.
func (x *tampered) verify(t *testing.T, flags ...string) cluster.Result {
	t.Helper()
	start(t, x.c.Dispatcher)
	r := x.c.Ctl(timeout(t), append([]string{"audit", "verify"}, flags...)...)
	check(t, x.c.Dispatcher.Stop())
	return r
}

func (x *tampered) restore(t *testing.T) {
	t.Helper()
	for _, tail := range []string{"-wal", "-shm"} {
		os.Remove(x.file + tail)
	}
	check(t, os.WriteFile(x.file, x.kept, 0o600))
}

// Whoever changes the log in the database is found out, and so is what he changed.
func TestAuditTampered(t *testing.T) {
	x := newTampered(t)
	last := itoa(int(x.lastSeq))
	for _, test := range []struct {
		name, want string
		statements []string
	}{
		{"edited", "row 3:", []string{`UPDATE audit_log SET who = 'mallory' WHERE seq = 3`}},
		{"time edited", "row 4:", []string{`UPDATE audit_log SET at = at + 1 WHERE seq = 4`}},
		{"outcome edited", "row 5:", []string{`UPDATE audit_log SET outcome = 'denied' WHERE seq = 5`}},
		{"hash edited", "row 2:", []string{`UPDATE audit_log SET hash = zeroblob(32) WHERE seq = 2`}},
		{"removed", "row 4:", []string{`DELETE FROM audit_log WHERE seq = 4`}},
		{"span removed", "rows 3 to 5:", []string{`DELETE FROM audit_log WHERE seq BETWEEN 3 AND 5`}},
		{"first removed", "row 1:", []string{`DELETE FROM audit_log WHERE seq = 1`}},
		{"tail cut", "row " + last + ":", []string{`DELETE FROM audit_log WHERE seq = ` + last}},
		{"swapped", "row 3:", []string{`UPDATE audit_log SET seq = 99 WHERE seq = 3`, `UPDATE audit_log SET seq = 3 WHERE seq = 4`, `UPDATE audit_log SET seq = 4 WHERE seq = 99`}},
		{"one put in", "row " + itoa(int(x.lastSeq)+1) + ":", []string{`INSERT INTO audit_log SELECT seq + 1, at, who, role, token, "from", what, target, outcome, detail, hash FROM audit_log WHERE seq = ` + last}},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer x.restore(t)
			execute(t, x.file, test.statements...)
			r := x.verify(t)
			if r.Code != 1 || !strings.Contains("\n"+r.Stdout, "\n"+test.want) || !strings.Contains(r.Stderr, "not intact") {
				t.Errorf("exit code %d, %s%s; want 1 and %q", r.Code, r.Stdout, r.Stderr, test.want)
			}
		})
	}
	for _, flags := range [][]string{nil, {"--anchor", x.anchor}} {
		if r := x.verify(t, flags...); r.Code != 0 || !strings.HasPrefix(r.Stdout, "intact: ") {
			t.Errorf("as it was, %q: %+v", flags, r)
		}
	}
}

// A log that is made anew from its first row on is intact, but not what it was: an
// anchor tells.
func TestAuditRebuilt(t *testing.T) {
	x := newTampered(t)
	other := newTampered(t) // the same deeds, so the same rows but for their times
	execute(t, x.file, `ATTACH '`+other.file+`' AS other`, `DELETE FROM audit_log`, `INSERT INTO audit_log SELECT * FROM other.audit_log`,
		`UPDATE ledger SET (audit_seq, audit_hash) = (SELECT audit_seq, audit_hash FROM other.ledger)`)
	if r := x.verify(t); r.Code != 0 {
		t.Errorf("without an anchor: %+v", r)
	}
	if r := x.verify(t, "--anchor", x.anchor); r.Code != 1 || !strings.Contains(r.Stderr, "not intact") || !strings.Contains(r.Stdout, "row ") {
		t.Errorf("with an anchor: %+v", r)
	}
	x.restore(t)
	execute(t, x.file, `DELETE FROM audit_log WHERE seq > 3`, `UPDATE ledger SET (audit_seq, audit_hash) = (SELECT seq, hash FROM audit_log WHERE seq = 3)`)
	if r := x.verify(t, "--anchor", x.anchor); r.Code != 1 || !strings.Contains(r.Stdout, "row ") {
		t.Errorf("cut, and the ledger with it: %+v", r)
	}
}

// old puts rows of more than a year ago, and many of today, into the database of a
// dispatcher that does not run.
func old(t *testing.T, file string, rows, young int) {
	t.Helper()
	s, err := store.Open(t.Context(), file, slog.New(slog.DiscardHandler))
	check(t, err)
	defer s.Close()
	r := &store.Records{}
	for i := range rows + young {
		at := time.Now()
		if i < rows {
			at = at.Add(-366 * 24 * time.Hour)
		}
		r.Actions = append(r.Actions, octaskly.Action{At: at, Who: "ann", What: "task.submit", Target: itoa(i + 1), Outcome: octaskly.Done})
	}
	check(t, s.Record(t.Context(), r))
}

// Rows of more than a year ago go by themselves; that is told from a log that somebody
// has cut.
func TestAuditRetention(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	check(t, c.Dispatcher.Stop())
	file := filepath.Join(c.Dir, "dispatcher", "octaskly.db")
	old(t, file, 500, 10_000)
	start(t, c.Dispatcher)
	verify := func(flags ...string) cluster.Result {
		return c.Ctl(timeout(t), append([]string{"audit", "verify"}, flags...)...)
	}
	const says = "it begins at row 501: those before were dropped by retention at "
	awaitSuccess(t, func() bool { return strings.Contains(verify().Stdout, says) })
	awaitSuccess(t, func() bool { // and they are gone
		rows := must(t, c, "audit", "ls", "--until", "300d", "-o", "quiet")
		return rows == ""
	})
	if r := verify(); r.Code != 0 || !strings.HasPrefix(r.Stdout, "intact: ") {
		t.Errorf("verify: %+v", r)
	}
	if rows, _ := auditLog(t, c, "--what", "audit.trim"); len(rows) != 1 || rows[0] != " audit.trim 500 done" {
		t.Errorf("the log says of it %q", rows)
	}
	anchor := filepath.Join(t.TempDir(), "anchor.json")
	check(t, os.WriteFile(anchor, []byte(`{"seq":7,"at":"2026-01-01T00:00:00Z","hash":"`+strings.Repeat("ab", 32)+`"}`), 0o600))
	if r := verify("--anchor", anchor); r.Code != 1 || !strings.Contains(r.Stderr, "cannot compare with the anchor: row 7, of which it was made, was dropped by retention") {
		t.Errorf("by an anchor of before: %+v", r)
	}
	check(t, os.WriteFile(anchor, []byte(must(t, c, "audit", "anchor")), 0o600))
	if r := verify("--anchor", anchor); r.Code != 0 {
		t.Errorf("by an anchor of now: %+v", r)
	}
	check(t, c.Dispatcher.Stop())
	execute(t, file, `DELETE FROM audit_log WHERE seq < 510`)
	start(t, c.Dispatcher)
	if r := verify(); r.Code != 1 || !strings.Contains(r.Stdout, "rows 501 to 509: missing") {
		t.Errorf("a front that somebody has cut: %+v", r)
	}
}
