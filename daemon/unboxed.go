package main

import (
	"log/slog"
	"os"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// warnUnboxed tells who serves REST to other machines that what comes from there runs
// without a box, where no package has given commands a user of their own.
func warnUnboxed(log *slog.Logger, rest *restDoor, level octaskly.Level, installed bool) {
	if rest == nil || installed || level != octaskly.LevelNone || config.Loopback(rest.ln.Addr().String()) {
		return
	}
	log.Warn("Commands from other machines run without a box, as the user of the worker, root where that is root: "+
		"set sandbox, and sandbox_floor so that no submission goes below, to basic or strict",
		"http_listen", rest.ln.Addr().String(), "sandbox", level.String())
}

// installed reports whether this is a service of systemd with a user of its own.
func installed() bool { return os.Geteuid() != 0 && os.Getenv("INVOCATION_ID") != "" }
