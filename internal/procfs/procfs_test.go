package procfs

import (
	"os"
	"testing"
)

func TestParse(t *testing.T) {
	rest := " 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 123 45\n"
	for text, want := range map[string]Process{
		"42 (sleep) S" + rest:       {PID: 42, Parent: 7, Group: 8, Session: 9, Start: 4711},
		"42 (a) b (c) Z" + rest:     {PID: 42, Parent: 7, Group: 8, Session: 9, Start: 4711, Dead: true},
		"42 (x) Z 1 1 1) R" + rest:  {PID: 42, Parent: 7, Group: 8, Session: 9, Start: 4711},
		"42 (\n) X" + rest:          {PID: 42, Parent: 7, Group: 8, Session: 9, Start: 4711, Dead: true},
		"":                          {},
		"42 (sleep":                 {},
		"42 )sleep( S" + rest:       {},
		"42 (sleep) S 7 8 9":        {},
		"x (sleep) S" + rest:        {},
		"42 (sleep) S x" + rest[2:]: {},
	} {
		got, err := parse([]byte(text))
		if wantErr := want == (Process{}); (err != nil) != wantErr || err == nil && got != want {
			t.Errorf("%q gives %+v, %v, want %+v", text, got, err, want)
		}
	}
	own, err := Read(os.Getpid())
	if err != nil || own.PID != os.Getpid() || own.Parent != os.Getppid() || own.Start > Ticks() {
		t.Errorf("this process reads as %+v, %v", own, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("42 (sleep) S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 123 45\n"))
	f.Add([]byte("(()) "))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = parse(text) })
}
