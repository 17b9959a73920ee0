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
	one := []octaskly.State{octaskly.Failed}
	for _, test := range []struct {
		name, query string
		want        []string
	}{
		{"live jobs", liveJobs, []string{"p USING INDEX progress_live", "j USING INTEGER PRIMARY KEY"}},
		{"live tasks", liveTasks, []string{"p USING INDEX progress_live", "t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"all", (&Query{}).text(), []string{"p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "j USING INTEGER PRIMARY KEY", "t USING INTEGER PRIMARY KEY (rowid=?)"}},
		{"live", (&Query{Live: true}).text(), []string{"p USING INDEX progress_live (job>? AND job<?)"}},
		{"live of an owner", (&Query{Live: true, Owner: "me"}).text(), []string{"p USING INDEX progress_live (job>? AND job<?)"}},
		{"ended of an owner", (&Query{Ended: true, Owner: "me"}).text(), []string{"j USING INDEX jobs_by_owner (owner=? AND rowid>? AND rowid<?)", "p USING INTEGER PRIMARY KEY"}},
		{"all of an owner", (&Query{Owner: "me", States: one}).text(), []string{"j USING INDEX jobs_by_owner (owner=? AND rowid>? AND rowid<?)"}},
		{"last", lastOf, []string{"jobs USING COVERING INDEX jobs_by_owner (owner=?)"}},
		{"attempts", attemptsOf, []string{"r USING INDEX results_by_attempt (task=?)"}},
	} {
		plan := explainPlan(t, s, test.query)
		for _, want := range test.want {
			if !strings.Contains(plan, want) {
				t.Errorf("%s: %q is missing:\n%s", test.name, want, plan)
			}
		}
		if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN j") || strings.Contains(plan, "SCAN t") {
			t.Errorf("%s: sorts or reads all:\n%s", test.name, plan)
		}
	}
}

func explainPlan(t *testing.T, s *Store, query string) string {
	t.Helper()
	rows, err := s.readers.QueryContext(ctx, `EXPLAIN QUERY PLAN `+query, 1, 2, 3, 4, "me")
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
