package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// alterations are what somebody may have done to a schema, and what is said of it.
var alterations = map[string]string{
	`CREATE TRIGGER loop AFTER INSERT ON jobs BEGIN INSERT INTO meta WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, '' FROM n; END`: `it has the trigger "loop", which octaskly has not made`,
	`CREATE VIEW pragma_user_version AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS user_version FROM n`:                  `it has the view "pragma_user_version", which octaskly has not made`,
	`CREATE TABLE more (a)`:                    `it has the table "more", which octaskly has not made`,
	`CREATE INDEX more ON jobs (name)`:         `it has the index "more", which octaskly has not made`,
	`DROP INDEX jobs_by_key`:                   `its index "jobs_by_key" is missing`,
	`DROP TABLE tokens`:                        `its table "tokens" is missing`,
	`ALTER TABLE jobs ADD COLUMN more INTEGER`: `its table "jobs" is not as octaskly has made it`,
	`PRAGMA user_version = 3`:                  `its table "ledger" is not as octaskly has made it`,
	`PRAGMA user_version = -3`:                 `its schema is of version -3, which there is not`,
	`DROP INDEX jobs_by_owner; CREATE INDEX jobs_by_owner ON jobs (name)`: `its index "jobs_by_owner" is not as octaskly has made it`,
}

// What is in a schema beside what octaskly has made is refused in a backup, and
// left behind by whoever opens the database: it never runs.
func TestForeignSchema(t *testing.T) {
	for statement, want := range alterations {
		t.Run(statement[:min(len(statement), 40)], func(t *testing.T) {
			s := openTemp(t)
			accept(t, s, newID(s))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := alter(s.path, statement); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{"verify": Verify(ctx, s.path), "backup": Backup(ctx, s.path, filepath.Join(t.TempDir(), "b.db"))} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want …%s…", what, err, want)
				}
			}
			o := openAt(t, s.path)
			if r := o.Health().Salvage; r == nil || !strings.Contains(r.Why, want) || r.Lost > 0 {
				t.Fatalf("salvaged %+v, want …%s…", r, want)
			}
			put(t, o, plainJob(newID(o)))
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			if err := Verify(ctx, s.path); err != nil {
				t.Error(err)
			}
		})
	}
}

// The schemas of databases that were written by programs of their time are what
// the migrations make today.
func TestOldSchemas(t *testing.T) {
	for version := 1; version <= latest(); version++ {
		data, err := os.ReadFile(fmt.Sprintf("testdata/v%d.db", version))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "octaskly.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(ctx, path); err != nil {
			t.Error(err)
		}
		s := openAt(t, path)
		if h := s.Health(); h.Salvage != nil {
			t.Errorf("version %d is salvaged: %+v", version, h.Salvage)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := Verify(ctx, path); err != nil {
			t.Errorf("version %d, migrated: %v", version, err)
		}
	}
}

// Rows that no program has written are found, by whoever comes first.
func TestSenselessRows(t *testing.T) {
	at := time.UnixMicro(1).UTC()
	for _, statement := range []string{
		`UPDATE tasks SET state = -1`, `UPDATE tasks SET state = 77`, `UPDATE tasks SET attempt = -1`,
		`UPDATE progress SET completed = -1`, `UPDATE progress SET state = 77`,
		`UPDATE results SET state = 77`, `UPDATE results SET attempt = 0`, `UPDATE results SET late_state = -1`,
	} {
		t.Run(statement, func(t *testing.T) {
			s := openTemp(t)
			c := plainJob(newID(s))
			c.Progress[0].Progress = octaskly.Progress{EndedAt: at, Rows: octaskly.Counts{octaskly.Completed: 1}}
			c.Tasks = []octaskly.Task{{Job: 1, State: octaskly.Completed, Attempt: 1, StartedAt: at, EndedAt: at}}
			c.Attempts = []octaskly.Attempt{{ID: octaskly.AttemptID{Job: 1, Number: 1}, Seq: 1, End: octaskly.End{State: octaskly.Completed, StartedAt: at, EndedAt: at}}}
			put(t, s, c)
			mustExec(t, s, statement)
			if err := s.Check(ctx); err != nil {
				t.Fatal(err)
			}
			if s.Suspicion() == nil || !strings.Contains(s.Suspicion().Error(), "makes no sense") {
				t.Fatal("nothing is found: ", s.Suspicion())
			}
			if _, err := s.Load(ctx); err != nil {
				t.Fatal(err)
			}
			agree(t, s)
			if s.Health().Salvage == nil {
				t.Error("it is not salvaged")
			}
		})
	}
}

// A state that there is not speaks of damage to whoever reads it.
func TestSenselessState(t *testing.T) {
	s := openTemp(t)
	c := plainJob(newID(s))
	c.Tasks = []octaskly.Task{{Job: 1, State: octaskly.Completed, Attempt: 1}}
	put(t, s, c)
	mustExec(t, s, `UPDATE tasks SET state = 77`)
	if _, err := s.Task(ctx, 1, 0); !isDamage(err) || s.Suspicion() == nil {
		t.Errorf("%v; suspicion %v", err, s.Suspicion())
	}
}
