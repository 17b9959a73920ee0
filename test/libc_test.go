package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// TestLibcMatchesSQLite holds modernc.org/libc at the version that SQLite was
// transpiled for and tested with. A newer one compiles, and breaks at run time.
func TestLibcMatchesSQLite(t *testing.T) {
	want := libcVersion(t, goModOf(t, "modernc.org/sqlite"))
	if got := libcVersion(t, "../go.mod"); got != want {
		t.Errorf("go.mod has modernc.org/libc %s, but modernc.org/sqlite names %s: go get modernc.org/libc@%s", got, want, want)
	}
}

var libcLine = regexp.MustCompile(`(?m)^\s*(?:require\s+)?modernc\.org/libc (v\S+)`)

func libcVersion(t *testing.T, goMod string) string {
	t.Helper()
	text, err := os.ReadFile(goMod)
	if err != nil {
		t.Fatal(err)
	}
	found := libcLine.FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s does not require modernc.org/libc", goMod)
	}
	return string(found[1])
}

// goModOf returns the path of a required module's go.mod.
func goModOf(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-json", module).Output()
	if err != nil {
		t.Fatalf("cannot find %s: %v", module, err)
	}
	var m struct{ GoMod string }
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m.GoMod
}
