package store

import (
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestPlans holds SQLite to the indices that the reads rest on: without them
// they are right and, with a million jobs, far too slow.
func TestPlans(t *testing.T) {
	s := openTemp(t)
	for _, test := range []struct {
		name, query string
		want        []string
	}{
		{"touched jobs", touchedJobs, []string{"p USING INDEX progress_touched", "j USING INTEGER PRIMARY KEY"}},
		{"live tasks", liveTasks, []string{"p USING INDEX progress_touched", "t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"resting jobs", restingJobs, []string{"p USING INDEX progress_live (job>? AND job<?)", "j USING INTEGER PRIMARY KEY"}},
		{"wanted jobs", wantedJobs, []string{"SCAN wanted VIRTUAL TABLE", "p USING INTEGER PRIMARY KEY (rowid=?)", "j USING INTEGER PRIMARY KEY"}},
		{"latest live job", lastLive, []string{"SEARCH progress USING COVERING INDEX progress_live"}},
		{"jobs of an owner", jobsOf, []string{"jobs USING COVERING INDEX jobs_by_owner (owner=?)"}},
		{"reader of an owner", readBy, []string{"SEARCH inputs USING PRIMARY KEY (blob=?)", "j USING COVERING INDEX jobs_by_owner (owner=? AND rowid=?)"}},
		{"last", lastOf, []string{"j USING COVERING INDEX jobs_by_owner (owner=?)"}},
		{"attempts", attemptsOf, []string{"r USING INDEX results_by_attempt (task=?)"}},
		{"events after", eventsAfter, []string{"events USING INTEGER PRIMARY KEY (rowid>?)"}},
		{"events before", eventsBefore, []string{"events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"stride of an owner", ownerStride, []string{"jobs USING COVERING INDEX jobs_by_owner (owner=? AND rowid>? AND rowid<?)"}},
	} {
		checkPlan(t, s, test.name, test.query, test.want...)
	}
}

// TestListPlans does so for lists: every part of a list has an index, and where an
// owner is named there is one of his jobs, too.
func TestListPlans(t *testing.T) {
	s := openTemp(t)
	for _, test := range []struct {
		name  string
		query Query
		want  string
	}{
		{"all", Query{}, "p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		{"live", Query{Live: true}, "p USING INDEX progress_live (job>? AND job<?)"},
		{"ended", Query{Ended: true}, "p USING INDEX progress_over (state=? AND job>? AND job<?)"},
		{"queued", Query{States: []octaskly.State{octaskly.Queued}}, "p USING INDEX progress_live (job>? AND job<?)"},
		{"running", Query{States: []octaskly.State{octaskly.Assigned, octaskly.Running}}, "p USING INDEX progress_started (job>? AND job<?)"},
		{"failed", Query{States: []octaskly.State{octaskly.Failed, octaskly.TimedOut}}, "p USING INDEX progress_over (state=? AND job>? AND job<?)"},
	} {
		for _, p := range test.query.parts() {
			checkPlan(t, s, test.name, test.query.text(p, false, recordColumns, singleTask), test.want, "j USING INTEGER PRIMARY KEY")
			of := test.query
			of.Owner = "me"
			checkPlan(t, s, test.name+" of an owner", of.text(p, false, recordColumns, singleTask), test.want, "j USING INTEGER PRIMARY KEY")
			checkPlan(t, s, test.name+" by owner", of.text(p, true, recordColumns, singleTask), "j USING INDEX jobs_by_owner (owner=? AND rowid>? AND rowid<?)", "p USING INTEGER PRIMARY KEY")
			if p != `` {
				checkPlan(t, s, "stride of "+test.name, p.stride(), strings.Split(test.want, " INDEX")[1])
			}
		}
	}
}

// TestActionPlans does so for the audit log and for what is removed of users.
func TestActionPlans(t *testing.T) {
	s := openTemp(t)
	for _, test := range []struct {
		query ActionQuery
		want  []string // for each way
	}{
		{ActionQuery{}, []string{"SEARCH a USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{ActionQuery{Outcome: octaskly.Done, Since: fromMicros(1), Until: fromMicros(2)}, []string{"SEARCH a USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{ActionQuery{Who: "me", What: "task.submit", Target: "1", Outcome: "denied"}, []string{
			"a USING INDEX audit_by_target (target=? AND rowid>? AND rowid<?)", "a USING INDEX audit_by_who (who=? AND rowid>? AND rowid<?)",
			"a USING INDEX audit_refused (seq>? AND seq<?)", "a USING INDEX audit_by_what (what=? AND rowid>? AND rowid<?)",
		}},
	} {
		ways := test.query.ways()
		for i, w := range append(ways, way{})[:max(len(ways), 1)] {
			checkPlan(t, s, "actions", test.query.text(w), test.want[i])
			if w.index != "" {
				checkPlan(t, s, "stride of actions", w.stride(), strings.Replace(strings.Split(test.want[i], "USING ")[1], "INDEX", "COVERING INDEX", 1))
			}
		}
	}
	checkPlan(t, s, "last action", lastAction, "SCAN a")
	checkPlan(t, s, "page of actions", pageOf, "SEARCH a USING INTEGER PRIMARY KEY (rowid>?)")
	checkPlan(t, s, "span of actions", spanOf, "a USING COVERING INDEX audit_by_time (at>? AND at<?)")
	checkPlan(t, s, "head", headOf, "SEARCH audit_log")
	if plan := explainPlan(t, s, whatsOf); strings.Count(plan, "SEARCH audit_log USING COVERING INDEX audit_by_what (what>? AND what<?)") != 2 {
		t.Errorf("kinds of actions:\n%s", plan)
	}
	if plan := explainPlan(t, s, removeTokensOf); !strings.Contains(plan, "tokens USING COVERING INDEX tokens_by_user (user=?)") && !strings.Contains(plan, "tokens USING INDEX tokens_by_user (user=?)") {
		t.Errorf("tokens of a user:\n%s", plan)
	}
}

func checkPlan(t *testing.T, s *Store, name, query string, wanted ...string) {
	t.Helper()
	plan := explainPlan(t, s, query)
	for _, want := range wanted {
		if !strings.Contains(plan, want) {
			t.Errorf("%s: %q is missing:\n%s", name, want, plan)
		}
	}
	if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN j") || strings.Contains(plan, "SCAN t") || strings.Contains(plan, "SCAN p\n") {
		t.Errorf("%s: sorts or reads all:\n%s", name, plan)
	}
}

func explainPlan(t *testing.T, s *Store, query string) string {
	t.Helper()
	rows, err := s.readers.QueryContext(ctx, `EXPLAIN QUERY PLAN `+query, 1, 2, 3, 4, 5, "me", 7, 8, 9)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
