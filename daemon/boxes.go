package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// installedInit is where packages put octaskly-init.
const installedInit = "/usr/libexec/octaskly/octaskly-init"

// boxesOf says how an executor may isolate its commands. Without octaskly-init its
// self-test says what is missing.
func boxesOf(c *config.Boxes) executor.Boxes {
	program := c.OctasklyInit
	if program == "" {
		program = findInit()
	}
	return executor.Boxes{
		Init: program, AllowNone: c.AllowNone, AllowHostNetwork: c.AllowHostNetwork,
		FirstUID: uint32(c.FirstUID), Pool: int64(c.DiskPool),
	}
}

// findInit looks for octaskly-init beside this program, as a build leaves it, and
// where packages put it.
func findInit() string {
	candidates := []string{installedInit}
	if self, err := os.Executable(); err == nil {
		candidates = []string{filepath.Join(filepath.Dir(self), "octaskly-init"), installedInit}
	}
	for _, path := range candidates {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// maxFailures bounds what is logged of a self-test.
const maxFailures = 16

// tellSelfTest logs what this machine can enforce, and at a level of the log what
// keeps it from more.
func tellSelfTest(log *slog.Logger, level slog.Level, features []string, checks []octaskly.Check) {
	var w api.Worker
	w.Offer(features)
	log.Info("Self-test is done", "levels", strings.Join(w.Levels, " "), "limits", strings.Join(w.Limits, " "), "network_host", w.HostNetwork)
	failed := failuresOf(checks)
	for i, f := range failed {
		if i == maxFailures {
			log.Log(context.Background(), level, "More of the self-test does not hold; octasklyd worker selftest lists all", "more", len(failed)-i)
			return
		}
		log.Log(context.Background(), level, "Self-test does not hold", "of", strings.Join(f.subjects, " "), "check", f.name, "why", f.why)
	}
}

// failure is a check that did not hold, for one subject or several.
type failure struct {
	name, why string
	subjects  []string
}

// failuresOf keeps the order of the checks.
func failuresOf(checks []octaskly.Check) (failed []failure) {
	for _, c := range checks {
		if c.Held {
			continue
		}
		i := slices.IndexFunc(failed, func(f failure) bool { return f.name == c.Name && f.why == c.Why })
		if i < 0 {
			i, failed = len(failed), append(failed, failure{name: c.Name, why: c.Why})
		}
		failed[i].subjects = append(failed[i].subjects, c.Subject)
	}
	return failed
}
