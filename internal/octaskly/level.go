package octaskly

import "fmt"

// Level is how a command is isolated, the stricter the higher. The zero Level is
// none of them, so that one that got lost is not taken for the weakest.
// The numbers are stored: never renumber them.
type Level uint8

const (
	LevelNone       Level = 1 // as the configured user, with all that user's rights
	LevelBasic      Level = 2 // a user of its own on the machine as it is, without privileges
	LevelStrict     Level = 3 // a root of its own: programs to read, a workspace to write, no network
	LevelVeryStrict Level = 4 // as strict, with less of each
)

// Levels lists every level, the weakest first.
var Levels = []Level{LevelNone, LevelBasic, LevelStrict, LevelVeryStrict}

var levelNames = map[Level]string{
	LevelNone: "none", LevelBasic: "basic", LevelStrict: "strict", LevelVeryStrict: "very-strict",
}

func (l Level) String() string {
	if name, ok := levelNames[l]; ok {
		return name
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// Feature is what a worker offers that has level l.
func (l Level) Feature() string { return levelPrefix + l.String() }

// ParseLevel reads the name that String gives.
func ParseLevel(name string) (Level, error) {
	for _, l := range Levels {
		if l.String() == name {
			return l, nil
		}
	}
	return 0, fmt.Errorf("cannot read level %q: it is none of %v", name, Levels)
}

// MarshalText refuses what is no level.
func (l Level) MarshalText() ([]byte, error) {
	if _, ok := levelNames[l]; !ok {
		return nil, fmt.Errorf("cannot write %v: it is none of %v", l, Levels)
	}
	return []byte(l.String()), nil
}

func (l *Level) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLevel(string(text))
	return err
}
