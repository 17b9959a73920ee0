package executor

import (
	"os/exec"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// A dead child of nobody's is buried at the second look, and a command never is.
func TestStrays(t *testing.T) {
	r := newRig(t, config(t))
	g := newGate(t)
	id := r.offer(shell("echo here > " + g.path + "; read x < " + g.door + "; exit 3"))
	g.reached()
	stray := exec.Command("true") // whose end nobody waits for
	check(t, stray.Start())
	pid := stray.Process.Pid
	for !isDead(pid) {
	}
	dead := r.buryTwiceSeen(nil)
	if !dead[pid] || !isDead(pid) {
		t.Errorf("at the first look the dead are %v, without %d", dead, pid)
	}
	r.buryTwiceSeen(dead)
	if isDead(pid) {
		t.Error("it is not buried at the second")
	}
	check(t, stray.Process.Release())
	g.pass()
	wantEnd(t, r.end(id), octaskly.Failed, "exit:3")
}
