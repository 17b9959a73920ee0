package dispatcher

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// reasonWords are a reason in words, "" where there is none.
func reasonWords(r octaskly.Reason, detail string) string {
	text := string(r)
	switch kind, value := r.Kind(), r.Value(); {
	case r == "":
		return detail
	case kind == "exit":
		text = "its command exited with code " + value
	case kind == "signal":
		text = "its command was ended by signal " + value
		if n, _ := strconv.Atoi(value); unix.SignalName(unix.Signal(n)) != "" {
			text += " (" + unix.SignalName(unix.Signal(n)) + ")"
		}
	case kind == "spawn" || kind == "cwd":
		text = "its command could not be started (" + value + ")"
	case kind == "unenforceable":
		text = "its worker does not offer " + inWords([]string{value})
	case r == octaskly.ReasonCancelled:
		text = "it was cancelled"
		if strings.HasPrefix(detail, "by ") {
			return text + " " + detail
		}
	case r == octaskly.ReasonWorkerLost:
		text = "it was lost with its worker"
	case strings.HasPrefix(string(r), string(octaskly.ReasonWorkerLost)):
		text = "its worker went away " + strings.TrimPrefix(string(r), string(octaskly.ReasonWorkerLost)+"×") + " times while it ran"
	case r == octaskly.ReasonReleased:
		text = "it was given back"
	case r == octaskly.ReasonLease:
		text = "its worker could not reach the dispatcher and stopped it, as --at-most-one wants"
	case bounds[r].what != "":
		text = "it reached its limit of " + bounds[r].what + "; " + bounds[r].flag + " raises it"
	}
	if detail != "" {
		text += ": " + detail
	}
	return text
}
