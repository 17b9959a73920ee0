package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// floors lists the packages of this module from the ground up. A package may
// import only packages on the floors below its own. Those below test/ stand
// beside the house: they may import everything, and nobody imports them.
var floors = [][]string{
	{"internal/units", "internal/security", "internal/discovery", "internal/dirs", "internal/statedir", "internal/systemd", "internal/sqlitefile", "internal/writeback", "internal/metrics", "internal/procfs", "internal/pty"},
	{"internal/octaskly", "internal/config", "internal/manual", "internal/quota", "internal/discovery/announce"},
	{"internal/transport", "internal/joining", "internal/spool", "internal/sandbox/plan"},
	{"internal/protocol", "internal/scheduler", "internal/store", "internal/resources", "internal/sandbox", "internal/auth"},
	{"internal/executor", "internal/api", "internal/backup"},
	{"internal/dispatcher", "internal/accounts", "internal/roster", "internal/worker", "internal/client"},
	{"internal/tui"},
	{"daemon", "daemon/init", "ctl"},
}

func TestFloors(t *testing.T) {
	for _, complaint := range misplaced(tree(t)) {
		t.Error(complaint)
	}
}

// misplaced says which files break the rule of the floors. Tests may import
// sideways and upwards, except from test/.
func misplaced(files []source) []string {
	floorOf := map[string]int{}
	for i, pkgs := range floors {
		for _, pkg := range pkgs {
			floorOf[pkg] = i
		}
	}

	var complaints []string
	for _, f := range files {
		if beside(f.pkg) {
			continue
		}
		floor, ok := floorOf[f.pkg]
		if complaint := f.pkg + " has no floor; give it one"; !ok && !slices.Contains(complaints, complaint) {
			complaints = append(complaints, complaint)
		}
		for _, imp := range f.imports() {
			rel, ours := strings.CutPrefix(imp, module)
			switch {
			case !ours:
			case beside(rel):
				complaints = append(complaints, fmt.Sprintf("%s imports %s, which is for tests only", f.path, rel))
			case ok && !f.test && floorOf[rel] >= floor:
				complaints = append(complaints, fmt.Sprintf("%s imports %s, which is not below it", f.path, rel))
			}
		}
	}
	return complaints
}

func beside(pkg string) bool { return pkg == "test" || strings.HasPrefix(pkg, "test/") }

func TestMisplaced(t *testing.T) {
	house := func(path, imports string) fstest.MapFS {
		text := "package p\n"
		for imp := range strings.FieldsSeq(imports) {
			text += fmt.Sprintf("import %q\n", module+imp)
		}
		return fstest.MapFS{path: {Data: []byte(text)}}
	}
	tests := []struct {
		path, imports string
		want          []string
	}{
		{"internal/store/a.go", "internal/units internal/octaskly internal/spool", nil},
		{"internal/store/a.go", "internal/scheduler", []string{"internal/store/a.go imports internal/scheduler, which is not below it"}},
		{"internal/units/a.go", "internal/security", []string{"internal/units/a.go imports internal/security, which is not below it"}},
		{"internal/octaskly/a.go", "internal/worker", []string{"internal/octaskly/a.go imports internal/worker, which is not below it"}},
		{"internal/octaskly/a_test.go", "internal/worker", nil},
		{"ctl/a.go", "daemon", []string{"ctl/a.go imports daemon, which is not below it"}},
		{"internal/util/a.go", "", []string{"internal/util has no floor; give it one"}},
		{"daemon/extra/a.go", "ctl", []string{"daemon/extra has no floor; give it one"}},
		{"contrib/a_test.go", "", []string{"contrib has no floor; give it one"}},
		{"test/story/a.go", "daemon internal/units test/fault", nil},
		{"ctl/a.go", "test/fault", []string{"ctl/a.go imports test/fault, which is for tests only"}},
		{"internal/store/a_test.go", "test/fault", []string{"internal/store/a_test.go imports test/fault, which is for tests only"}},
		{"internal/store/testdata/a.go", "daemon", nil},
	}
	for _, tt := range tests {
		files, err := sources(house(tt.path, tt.imports))
		if err != nil {
			t.Fatal(err)
		}
		if got := misplaced(files); !slices.Equal(got, tt.want) {
			t.Errorf("%s importing %s: %q, want %q", tt.path, tt.imports, got, tt.want)
		}
	}
}
