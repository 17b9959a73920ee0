package test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestPackageDocs wants every package to open by saying what it is: "Package
// name …", or for a program any comment.
func TestPackageDocs(t *testing.T) {
	undocumented := map[string]bool{}
	for _, f := range tree(t) {
		name := f.file.Name.Name
		if strings.HasSuffix(name, "_test") {
			continue
		}
		doc := f.file.Doc.Text()
		told := name == "main" && doc != "" || strings.HasPrefix(doc, "Package "+name+" ")
		before, seen := undocumented[f.pkg]
		undocumented[f.pkg] = !told && (before || !seen)
	}
	for _, pkg := range slices.Sorted(maps.Keys(undocumented)) {
		if undocumented[pkg] {
			t.Errorf("no file of %s opens with a comment that says what the package is", pkg)
		}
	}
}
