package dispatcher

import (
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// try are commands that would change it, or tell more.
func (w words) try() (commands []string) {
	if w.End != nil {
		return w.afterwards()
	}
	add := func(command string) {
		if !slices.Contains(commands, command) && len(commands) < maxTry {
			commands = append(commands, command)
		}
	}
	for i := range w.Workers {
		g := &w.Workers[i]
		for _, b := range g.Blockers {
			switch {
			case b.Why == "drained" && !lasting(g):
				add("octasklyctl worker resume " + g.Names[0])
			case b.Why == "lacks":
				add("octasklyctl worker show " + g.Names[0])
			}
		}
	}
	switch {
	case w.State == octaskly.Running && w.With != nil:
		add("octasklyctl logs -f " + w.ID)
	case len(w.Workers) > 0:
		add("octasklyctl worker ls")
	}
	return commands
}

const maxTry = 5

// afterwards are commands for a task that is over.
func (w words) afterwards() []string {
	if w.State == octaskly.Completed {
		return []string{"octasklyctl logs " + w.ID}
	}
	if len(w.End.Failed) > 0 {
		return []string{"octasklyctl why " + w.End.Failed[0].ID, "octasklyctl retry " + w.ID}
	}
	return []string{"octasklyctl logs " + w.ID, "octasklyctl retry " + w.ID}
}
