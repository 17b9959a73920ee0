package sandbox

import (
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

func allHeld(level octaskly.Level) (output string) {
	for _, c := range plan.CanariesOf(uint8(level), true) {
		output += "held " + c.Name + "\n"
	}
	return output
}

func TestCanariesHold(t *testing.T) {
	for _, level := range boxLevels {
		list := ReadCanaries(level, false, allHeld(level))
		if err := Unheld(level, list); err != nil || len(list) < 15 {
			t.Errorf("%v: %d, %v", level, len(list), err)
		}
	}
}

// Whatever is not said to hold, in full and without contradiction, does not.
func TestCanariesDoNotHold(t *testing.T) {
	good := allHeld(octaskly.LevelStrict)
	for name, output := range map[string]string{
		"nothing":    "",
		"open":       strings.Replace(good, "held mount\n", "open mount: it is possible\n", 1),
		"missing":    strings.Replace(good, "held mount\n", "", 1),
		"cut":        strings.TrimSuffix(good, "\n"),
		"held later": "open mount: it is possible\n" + good,
		"open later": good + "open mount: it is possible\n",
		"lower":      allHeld(octaskly.LevelBasic),
		"reason":     strings.Replace(good, "held mount\n", "held mount: perhaps\n", 1),
	} {
		if err := Unheld(octaskly.LevelStrict, ReadCanaries(octaskly.LevelStrict, false, output)); err == nil {
			t.Errorf("%s: all hold", name)
		}
	}
}

func TestCanaryTask(t *testing.T) {
	task := example()
	CanaryTask(task, "/usr/libexec/octaskly/octaskly-init", octaskly.LevelVeryStrict)
	if got := strings.Join(task.Argv, " "); got != "/usr/libexec/octaskly/octaskly-init canary 4 own" {
		t.Error(got)
	}
	if _, err := Build(octaskly.LevelVeryStrict, task, debian()); err != nil {
		t.Error(err)
	}
}
