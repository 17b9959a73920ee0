package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Texts of selectors as a pattern; what is more is in ParseSelection.
const (
	numberForm   = `[0-9]+(_+[0-9]+)*`
	idForm       = `(0[0_]*)?[1-9][0-9]*(_+[0-9]+)*`
	rangeForm    = numberForm + `(-` + numberForm + `(:` + numberForm + `)?)?`
	rangesForm   = rangeForm + `(,` + rangeForm + `)*`
	idsForm      = idForm + `(-` + numberForm + `(:` + numberForm + `)?)?`
	selectorForm = `^(last|all|` + idsForm + `(,` + idsForm + `)*|` + idForm + `\.` + rangesForm + `)$`
	lineForm     = `^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$`
	timeForm     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`
)

// cursorForm is that of an event's id.
const cursorForm = `^([0-9A-Z]+\.)?(0|[1-9][0-9]*)$`

// kindsForm is that of a list of kinds of events.
func kindsForm() string {
	words := []string{"job", "task", "worker", "dispatcher"}
	for _, k := range octaskly.EventKinds {
		words = append(words, strings.ReplaceAll(k.String(), ".", `\.`))
	}
	one := "(" + strings.Join(words, "|") + ")"
	return "^" + one + "(," + one + ")*$"
}

// toggle is a boolean for those who write one, and whatever else params.flag takes.
func toggle(what string) object {
	return object{"description": what, "allowEmptyValue": true, "schema": object{"enum": []any{true, false, 1, 0}, "default": false}}
}

func numeral(what string, low int64, more object) object {
	schema := object{"type": "integer", "format": "int64", "minimum": low, "maximum": maxNumber}
	for name, value := range more {
		schema[name] = value
	}
	return object{"description": what, "schema": schema}
}

func line(what string, bytes int) object {
	return object{"description": what + ", in UTF-8", "schema": object{"type": "string", "maxLength": bytes, "pattern": lineForm}}
}

func oneWord(what string, words []string) object {
	return object{"description": what, "allowEmptyValue": true, "schema": object{"type": "string", "enum": words}}
}

func point(what string) object {
	return object{"description": what, "schema": object{"type": "string", "format": "date-time", "pattern": timeForm}}
}

// parameters are those of queries, by name or, where one means several things, by
// path and name.
var parameters = map[string]object{
	"after":     line("After the one of this name or id, for the next page", octaskly.MaxName),
	"all":       toggle("Also jobs that ended long ago."),
	"all_users": toggle("With the selector all: of every user. It takes a role that may."),
	"attempt":   numeral("The number of an attempt; else the latest one.", 1, nil),
	"before":    numeral("Older than the one of this id or number, for the next page.", 1, nil),
	"follow":    toggle("Go on until the task has ended."),
	"from":      numeral("The first index.", 0, object{"maximum": octaskly.MaxIndex, "default": 0}),
	"limit":     numeral("At most so many.", 1, object{"maximum": MaxLimit, "default": DefaultLimit}),
	"outcome":   oneWord("Only with this outcome: done, the kind of the refusal, or refused for all of those.", outcomes()),
	"owner":     line("Only of this user", octaskly.MaxName),
	"reason":    line("Why, for people", maxReason),
	"select":    {"description": "Jobs by their ids: 42, 1-10:2,15, 42.3-7, last or all.", "allowEmptyValue": true, "schema": object{"type": "string", "pattern": selectorForm}},
	"since":     point("Not before."),
	"state":     {"description": "Only in these states.", "style": "form", "explode": false, "schema": object{"type": "array", "minItems": 1, "items": object{"enum": octaskly.States}}},
	"stream":    {"description": "The bytes of one stream.", "schema": object{"enum": []any{"stdout", "stderr"}}},
	"target":    line("Only about this id or name", maxTarget),
	"until":     point("Not after."),
	"what":      oneWord("Only this action, as in task.cancel; or task for all that begin so.", new(Handler).whats()),
	"who":       line("Only by this user", maxTarget),

	"/api/v1/events since":  {"description": "Events after the one of this id, or number; 0 is before all of them.", "schema": object{"type": "string", "pattern": cursorForm}},
	"/api/v1/events before": {"description": "The last ones before the one of this id, or number.", "schema": object{"type": "string", "pattern": cursorForm}},
	"/api/v1/events kind":   {"description": "Only of these kinds, as in task.ended; or task for all that are about one.", "allowEmptyValue": true, "schema": object{"type": "string", "pattern": kindsForm()}},
	"task":                  {"description": "Only about these tasks: 42, 42.7, 1-10:2,15, last or all; all are the caller's.", "allowEmptyValue": true, "schema": object{"type": "string", "pattern": selectorForm}},
	"worker":                line("Only about the worker of this name or id", maxTarget),

	"/api/v1/tokens all":             toggle("Those of all users. It takes an admin."),
	"/api/v1/tasks/{id}/output from": numeral("The framed offset to begin at.", 0, object{"default": 0}),
}

// parameterOf describes a parameter of a route's query.
func parameterOf(r route, name string) object {
	one, ok := parameters[r.path+" "+name]
	if !ok {
		one = parameters[name]
	}
	described := object{"name": name, "in": "query", "schema": object{"type": "string"}}
	for key, value := range one {
		described[key] = value
	}
	return described
}

// tooLarge has the form of an id, and there is none.
const tooLarge = "9223372036854775808"

// texts are what somebody may write for a parameter.
var texts = []string{
	tooLarge,
	"", "0", "1", "-1", "2", "1000", "1001", "007", "+1", " 1", "1 ", "1.5", "1e3", "0x10", "1_000", "९",
	"999999999", "1000000000", "9223372036854775807", "-9223372036854775809", "NaN", "null",
	"true", "false", "TRUE", "True", "yes", "maybe", "truefalse",
	"queued", "queued,failed", "Queued", "queued,", ",", "queued failed", "timed_out", "timed-out", "[queued]",
	"stdout", "stderr", "both", "STDOUT", "stdout,stderr",
	"last", "all", "42", "1-10:2,15", "42.7", "42.3-7,9", "4_2", "42.", ".7", "1-", "-7", "1:2", "1-2:", "last,all", "42 ", "1--2", "_1",
	"2026-01-31T23:59:59Z", "2026-01-31T23:59:59.5+02:00", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31t23:59:59z", "yesterday",
	"ann", "ann b", "änn", "a\nb", "a\x00b", "a\u200bb", "a\u202eb", "\xff", "<script>", "../..", "%2e", "a,b", "🙂",
	strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("x", 200), strings.Repeat("x", 201), strings.Repeat("x", 1024), strings.Repeat("x", 1025),
}

// value is what a text is to the document: in a query all is text.
func value(parameter object, text string) any {
	schema := parameter["schema"].(object)
	if schema["type"] == "array" {
		var items []any
		for item := range strings.SplitSeq(text, ",") {
			items = append(items, item)
		}
		return items
	}
	var plain any
	if schema["type"] != "string" && json.Unmarshal([]byte(text), &plain) == nil && strings.TrimSpace(text) == text && !strings.ContainsAny(text, ".eE") {
		number := json.NewDecoder(strings.NewReader(text))
		number.UseNumber()
		number.Decode(&plain)
		return plain
	}
	if schema["type"] != "string" && (text == "true" || text == "false") {
		return text == "true"
	}
	return text
}

// What the document forbids of a query's parameter is refused, and what it allows is
// not refused for its form.
func TestParametersAreAsDescribed(t *testing.T) {
	f := spooled(frame("oone\n"))
	f.has = true
	h := newFleetHandler(f, &books{})
	tried := map[string]bool{}
	for _, r := range h.routes() {
		for name := range strings.FieldsSeq(r.params) {
			if parameters[name] == nil && parameters[r.path+" "+name] == nil {
				t.Errorf("%s %s: what it takes for %s is for the table parameters to say", r.method, r.path, name)
				continue
			}
			parameter := parameterOf(r, name)
			schema := compiled(t, parameter["schema"])
			tried[name], tried[r.path+" "+name] = true, true
			allowed := 0
			for _, text := range texts {
				field := fieldRefused(t, h, r, name, text)
				empty := text == "" && parameter["allowEmptyValue"] == true
				fits := empty || utf8.ValidString(text) && schema.Validate(value(parameter, text)) == nil
				if fits {
					allowed++
				}
				if good := field != name; good != fits && text != tooLarge {
					t.Errorf("%s %s?%s=%.40q: the document allows it: %v; it is refused for %q", r.method, r.path, name, text, fits, field)
				}
			}
			if allowed == 0 || allowed == len(texts) {
				t.Errorf("%s %s: the document allows %d of %d texts for %s", r.method, r.path, allowed, len(texts), name)
			}
		}
	}
	for name := range parameters {
		if !tried[name] {
			t.Errorf("no query has %s", name)
		}
	}
}

// fieldRefused is the field that a request is refused for; empty: it is not.
func fieldRefused(t *testing.T, h http.Handler, r route, name, text string) string {
	t.Helper()
	id, more := "42", ""
	if name == "all_users" {
		id = "all"
		if strings.Contains(r.params, "select") {
			more = "&select=all"
		}
	}
	path := strings.NewReplacer("{id}", id, "{hash}", someHash, "{worker}", "w", "{invite}", "i1", "{user}", "ann", "{token}", "t1").Replace(r.path)
	w := ask(h, "admin", r.method, path+"?"+name+"="+url.QueryEscape(text)+more, bodies[r.method+" "+path])
	if w.Code < 400 {
		return ""
	}
	var said Failure
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != http.StatusBadRequest || said.Error.Field == "" {
		t.Errorf("%s %s?%s=%.40q is answered %d %s", r.method, path, name, text, w.Code, w.Body)
	}
	return said.Error.Field
}

// A parameter is given once; one that there is not is refused, whatever its value.
func TestParametersOnce(t *testing.T) {
	h := newFleetHandler(&fake{has: true}, &books{})
	for _, r := range h.routes() {
		path := strings.NewReplacer("{id}", "42", "{hash}", someHash, "{worker}", "w", "{invite}", "i1", "{user}", "ann", "{token}", "t1").Replace(r.path)
		body := bodies[r.method+" "+strings.Replace(path, someHash, "HASH", 1)]
		names := strings.Fields(r.params)
		for _, name := range names {
			if w := ask(h, "admin", r.method, path+"?"+name+"=1&"+name+"=1", body); name != "state" {
				check(t, w, 400, `"field":"`+name+`"`)
			}
		}
		for _, name := range []string{"x", "token", "access_token", "Limit", "limit[]", "_method"} {
			if !slices.Contains(names, name) {
				if w := ask(h, "admin", r.method, path+"?"+url.QueryEscape(name), body); w.Code != 400 {
					t.Errorf("%s %s?%s is answered %d", r.method, path, name, w.Code)
				}
			}
		}
	}
}
