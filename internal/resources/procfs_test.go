package resources

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	rest := " 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 123 45\n"
	for text, want := range map[string]process{
		"42 (sleep) S" + rest:       {pid: 42, parent: 7, group: 8, session: 9, start: 4711},
		"42 (a) b (c) Z" + rest:     {pid: 42, parent: 7, group: 8, session: 9, start: 4711, zombie: true},
		"42 (x) Z 1 1 1) R" + rest:  {pid: 42, parent: 7, group: 8, session: 9, start: 4711},
		"42 (\n) X" + rest:          {pid: 42, parent: 7, group: 8, session: 9, start: 4711, zombie: true},
		"":                          {},
		"42 (sleep":                 {},
		"42 )sleep( S" + rest:       {},
		"42 (sleep) S 7 8 9":        {},
		"x (sleep) S" + rest:        {},
		"42 (sleep) S x" + rest[2:]: {},
	} {
		got, err := parseStat([]byte(text))
		if wantErr := want == (process{}); (err != nil) != wantErr || err == nil && got != want {
			t.Errorf("%q gives %+v, %v, want %+v", text, got, err, want)
		}
	}
	own, err := readProcess(os.Getpid())
	if err != nil || own.pid != os.Getpid() || own.parent != os.Getppid() || own.start > ticks() {
		t.Errorf("this process reads as %+v, %v", own, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (sleep) S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 123 45\n"))
	f.Add([]byte("(()) "))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = parseStat(text) })
}

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
		before := ticks()
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
