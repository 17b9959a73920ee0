package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What rows of the audit log say beside what routes and errors are called.
const (
	trimAudit = "audit.trim" // see store.Cut
	theft     = "theft"      // a refresh token was used twice
	refused   = "refused"    // in a filter: all that is not done
)

// unasked are actions that no request is: see package roster.
var unasked = []string{"worker.join", "worker.renew", "worker.revoke"}

// whats are what an action may be called, and the words that stand for all that begin so.
func (h *Handler) whats() []string {
	words := append([]string{trimAudit}, unasked...)
	for _, r := range h.routes() {
		before, _, _ := strings.Cut(r.action, ".")
		words = append(words, r.action, before)
	}
	return sorted(words)
}

// outcomes are what may come of an action.
func outcomes() []string {
	words := []string{octaskly.Done, refused, theft, badInput, internal}
	for _, m := range meanings {
		words = append(words, m.kind)
	}
	return sorted(words)
}

func sorted(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// word is a parameter that is one of few words, or not given.
func (r *request) word(name string, allowed []string) string {
	text := r.text(name, maxTarget)
	if text != "" && !slices.Contains(allowed, text) {
		r.blame(name, fmt.Errorf("%q is none there is; there are %s", shorten(text), strings.Join(allowed, ", ")))
	}
	return text
}
