package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// The session in the README is played on a new dispatcher with a worker, and goes as
// it says there, to the letter.
func TestReadmeSession(t *testing.T) {
	_, text, found := strings.Cut(string(readFile(t, "../README.md")), "\nA session, as the tests play it:\n\n")
	text, _, ended := strings.Cut(text, "\n\n")
	if !found || !ended || strings.Count(text, "    $ ") < 4 {
		t.Fatalf("the README has no session, but %q", text)
	}
	c := cluster.Start(t, cluster.Options{WorkerFlags: []string{"--cpus", "8"}})
	ctl := c.Command(t.Context())
	var played strings.Builder
	for line := range strings.Lines(text + "\n") {
		command, typed := strings.CutPrefix(line, "    $ ")
		if !typed {
			continue
		}
		played.WriteString(line)
		cmd := exec.CommandContext(timeout(t), "sh", "-c", command)
		cmd.Dir, cmd.Env = ctl.Dir, append(ctl.Env, "PATH="+filepath.Dir(ctl.Path)+":"+os.Getenv("PATH"))
		out, _ := cmd.CombinedOutput()
		for said := range strings.Lines(string(out)) {
			played.WriteString("    " + said)
		}
	}
	if got := played.String(); got != text+"\n" {
		t.Errorf("it goes\n%s", got)
	}
}
