package battery

import (
	_ "embed"
	"flag"
	"regexp"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/battery/row"
)

//go:embed rows.txt
var table string

// TestTable reads the table where there is no virtual machine, too.
func TestTable(t *testing.T) {
	rows, err := row.Parse(table)
	if err != nil || len(rows) < 100 {
		t.Errorf("%d rows: %v", len(rows), err)
	}
}

// TestBattery tries all rows, or those that -run names.
func TestBattery(t *testing.T) {
	rows, err := row.Parse(table)
	if err != nil {
		t.Fatal(err)
	}
	rows = chosen(t, rows)
	if len(rows) == 0 {
		t.Fatal("no row has such a name")
	}
	m := battle(t)
	try(t, m, rows, func(r *row.Row, result *row.Result) {
		t.Run(r.Name, func(t *testing.T) { compare(t, r, result) })
	})
	if t.Failed() {
		t.Log(journal(t, m))
	}
}

// chosen are the rows that -run asks for: those that are not would take their
// time all the same.
func chosen(t *testing.T, rows []row.Row) (some []row.Row) {
	_, pattern, given := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	for _, r := range rows {
		if !given || asked(t, pattern, r.Name) {
			some = append(some, r)
		}
	}
	return some
}

// asked reports whether -run names a row, in which spaces are underscores.
func asked(t *testing.T, pattern, name string) bool {
	t.Helper()
	fits, err := regexp.MatchString(strings.ReplaceAll(pattern, " ", "_"), strings.ReplaceAll(name, " ", "_"))
	if err != nil {
		t.Fatal(err)
	}
	return fits
}

func compare(t *testing.T, r *row.Row, result *row.Result) {
	t.Helper()
	for i, level := range row.Levels {
		if r.Tried(i) && !row.Match(r.Want[i], result.Got[i]) {
			t.Errorf("at level %s: %s, want %s\n%s", level, result.Got[i], r.Want[i], result.Details[i])
		}
	}
	if len(result.Left) > 0 {
		t.Errorf("it leaves:\n%s", strings.Join(result.Left, "\n"))
	}
	if result.Benign != "" {
		t.Errorf("after it no harmless task runs: %s", result.Benign)
	}
	if result.Err != "" {
		t.Error(result.Err)
	}
	t.Logf("%.1f s: %v", result.Seconds, result.Got)
}
