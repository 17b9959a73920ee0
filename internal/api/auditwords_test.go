package api

import (
	"slices"
	"strings"
	"testing"
)

// Words that no row can have are refused, with those there are.
func TestAuditWords(t *testing.T) {
	for query, field := range map[string]string{
		"what=task": "", "what=task.submit": "", "what=session.login": "", "what=audit.trim": "", "what=": "",
		"outcome=done": "", "outcome=refused": "", "outcome=denied": "", "outcome=bad-input": "", "outcome=theft": "", "outcome=unauthorized": "",
		"what=task.sumbit": "what", "what=tas": "what", "what=*": "what", "outcome=failed": "outcome", "outcome=Done": "outcome",
	} {
		w := ask(newFleetHandler(&fake{}, &books{}), "admin", "GET", "/api/v1/audit?"+query, "")
		if field == "" {
			check(t, w, 200, `"actions"`)
			continue
		}
		check(t, w, 400, `"field":"`+field+`"`)
		if said := w.Body.String(); !strings.Contains(said, "there are ") || !strings.Contains(said, map[string]string{"what": "task.submit", "outcome": "denied"}[field]) {
			t.Errorf("%s: %s", query, said)
		}
	}
	if words := new(Handler).whats(); !slices.Contains(words, "task") || !slices.Contains(words, "key.rotate") || slices.Contains(words, "") {
		t.Errorf("there are %q", words)
	}
}
