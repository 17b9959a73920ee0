package octaskly

import "testing"

func TestLevelText(t *testing.T) {
	for _, want := range Levels {
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got Level
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%q is read as %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestLevelRefuses(t *testing.T) {
	var got Level
	for _, text := range []string{"", "None", "level(0)", "very_strict", "strict "} {
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	for _, l := range []Level{0, 5, 255} {
		if text, err := l.MarshalText(); err == nil {
			t.Errorf("%v is written as %q", l, text)
		}
	}
}
