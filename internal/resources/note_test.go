package resources

import (
	"os"
	"testing"

	"github.com/octaskly/octaskly/internal/procfs"
)

func FuzzParseNote(f *testing.F) {
	f.Add("boot\n12\nA=1\nB=2\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if l, ok := parseNote(text); ok && len(l.marks) == 0 {
			t.Error("a note without marks would match every process")
		}
	})
}

func TestNote(t *testing.T) {
	n, err := openNote(t.TempDir() + "/running-x")
	check(t, err)
	for _, marks := range [][]string{{"A=a very long mark", "B=2"}, {"C=3"}} {
		before := procfs.Ticks()
		check(t, n.write(marks))
		text, err := os.ReadFile(n.path)
		check(t, err)
		l, ok := parseNote(string(text))
		if !ok || l.boot != n.boot || l.since < before || len(l.marks) != len(marks) || l.marks[0] != marks[0] {
			t.Errorf("%q reads as %+v, %v", text, l, ok)
		}
	}
	check(t, n.close())
}

func TestGlobEscape(t *testing.T) {
	dir := t.TempDir() + "/a[b]*?"
	check(t, os.Mkdir(dir, 0o700))
	check(t, os.WriteFile(dir+"/running-x", []byte("nonsense"), 0o600))
	check(t, sweepTrees(dir))
	if _, err := os.Stat(dir + "/running-x"); err == nil {
		t.Error("the note was not found")
	}
}
