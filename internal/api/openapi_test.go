package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/octaskly"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// operation is what the document says of a route beyond routes.go.
type operation struct {
	summary  string
	request  any // body; nil: none
	status   int
	response any               // nil: none
	other    map[string]string // content type to what it is, of answers that are no JSON
}

// operations are the routes in words, and the Go types of their bodies.
var operations = map[string]operation{
	"GET /health":                     {"Say that the daemon is there.", nil, 200, Health{}, nil},
	"GET /metrics":                    {"What the daemon counts, for Prometheus.", nil, 200, nil, map[string]string{metrics.ContentType: "text format 0.0.4"}},
	"GET /api/v1/version":             {"The version of the daemon.", nil, 200, Version{}, nil},
	"GET /api/v1/openapi.json":        {"This document.", nil, 200, nil, map[string]string{"application/json": "OpenAPI 3.1"}},
	"GET /api/v1/self":                {"Who the caller is to the daemon, and what he may do.", nil, 200, Identification{}, nil},
	"POST /api/v1/tasks":              {"Submit a job of one or many tasks. The header Idempotency-Key stands for idempotency_key.", Submission{}, 201, Accepted{}, nil},
	"GET /api/v1/tasks":               {"List jobs, the latest first.", nil, 200, Jobs{}, nil},
	"GET /api/v1/tasks/{id}":          {"Tell of a job, as in 42, or of one element of an array job, as in 42.7.", nil, 200, Detail{}, nil},
	"DELETE /api/v1/tasks/{id}":       {"Cancel what a selector names: 42, 42.3-7, 1-10:2,15, last or all.", nil, 200, Outcome{}, nil},
	"POST /api/v1/tasks/{id}/signal":  {"Send a signal to what runs of a selection.", SignalRequest{}, 200, Outcome{}, nil},
	"POST /api/v1/tasks/{id}/retry":   {"Run again what has ended of a selection.", nil, 200, Outcome{}, nil},
	"GET /api/v1/tasks/{id}/elements": {"List elements of an array job that have left the queue.", nil, 200, Elements{}, nil},
	"GET /api/v1/tasks/{id}/why":      {"Explain where a job or element is: what it waits for, and what keeps it from each worker; who has it; or how it has ended.", nil, 200, Why{}, nil},
	"GET /api/v1/tasks/{id}/watch": {"The job each time it has changed, until it is over.", nil, 200, nil, map[string]string{
		"application/x-ndjson": "a Job on each line", EventType: "events job, with a Job, and end"}},
	"GET /api/v1/tasks/{id}/output": {"The output. With stream=stdout or stderr it is the bytes of one stream, of which the header Range takes a part.", nil, 200, nil, map[string]string{
		OutputType: "both streams, framed", "application/octet-stream": "one stream", EventType: "events stdout, stderr, discarded and end"}},
	"PUT /api/v1/blobs/{hash}":              {"Store an input under its SHA-256 in hex.", nil, 204, nil, nil},
	"HEAD /api/v1/blobs/{hash}":             {"Ask whether an input is there that the caller has uploaded, or that a job of his reads.", nil, 204, nil, nil},
	"GET /api/v1/workers":                   {"List workers.", nil, 200, Workers{}, nil},
	"GET /api/v1/workers/{worker}":          {"Tell of one worker, by its id or name.", nil, 200, Worker{}, nil},
	"DELETE /api/v1/workers/{worker}":       {"Forget a worker, end its session, and keep it out until it is approved again.", nil, 200, Worker{}, nil},
	"POST /api/v1/workers/{worker}/drain":   {"Give a worker no new tasks.", DrainRequest{}, 200, Worker{}, nil},
	"POST /api/v1/workers/{worker}/resume":  {"Give a worker tasks again.", nil, 200, Worker{}, nil},
	"GET /api/v1/pending":                   {"List the workers that wait for an approval, the latest first, and those that were removed.", nil, 200, PendingWorkers{}, nil},
	"POST /api/v1/workers/{worker}/approve": {"Let a worker join that waits, by the code that it shows; without a code, let one join again that was removed.", Approval{}, 200, PendingWorker{}, nil},
	"POST /api/v1/workers/{worker}/reject":  {"Send a worker away that waits for an approval.", nil, 200, PendingWorkers{}, nil},
	"GET /api/v1/invites":                   {"List invites, the latest first.", nil, 200, Invites{}, nil},
	"POST /api/v1/invites":                  {"Make an invite, by which one worker may join, once. Its token is a secret, and is said once.", NewInvite{}, 201, CreatedInvite{}, nil},
	"DELETE /api/v1/invites/{invite}":       {"Revoke an invite that nobody has used.", nil, 200, Invite{}, nil},
	"GET /api/v1/events": {"What has happened to tasks and workers, the oldest first: the latest page, the one after the id since, or the one before the id before. As " + EventType + " it goes on for ever, from now on or after since or Last-Event-ID.", nil, 200, Events{}, map[string]string{
		EventType: "events event, gap and reset, each with an Event; an id alone says up to where there are no others"}},
	"GET /api/v1/stats":             {"Count tasks by state, workers and slots: everybody's tasks since there is a database; or an owner's, of the jobs that are kept, as who may not see all of them gets them.", nil, 200, Stats{}, nil},
	"POST /api/v1/login":            {"Open a session by a password.", LoginRequest{}, 200, Session{}, nil},
	"POST /api/v1/refresh":          {"Renew a session by its refresh token, which is good once: a second use within 10 s of the first, as after an answer that was lost, is answered with another Session, which replaces the first answer; any later use of it, or of an earlier one, ends the session.", RefreshRequest{}, 200, Session{}, nil},
	"POST /api/v1/logout":           {"End the session of the token that is shown.", nil, 204, nil, nil},
	"POST /api/v1/password":         {"Change one's own password.", PasswordChange{}, 204, nil, nil},
	"GET /api/v1/users":             {"List users by name. The next page is after the last name of this one.", nil, 200, Users{}, nil},
	"POST /api/v1/users":            {"Make a user.", NewUser{}, 201, User{}, nil},
	"GET /api/v1/users/{user}":      {"Tell of one user.", nil, 200, User{}, nil},
	"PATCH /api/v1/users/{user}":    {"Change a user.", UserChange{}, 200, User{}, nil},
	"DELETE /api/v1/users/{user}":   {"Remove a user and end his sessions.", nil, 200, User{}, nil},
	"GET /api/v1/tokens":            {"List the caller's tokens, or all, the latest first. The next page is after the last id of this one.", nil, 200, Tokens{}, nil},
	"POST /api/v1/tokens":           {"Make a token for a program. Its secret is said once.", NewToken{}, 201, CreatedToken{}, nil},
	"DELETE /api/v1/tokens/{token}": {"Revoke a token, at once.", nil, 200, Token{}, nil},
	"POST /api/v1/keys/rotate":      {"Sign tokens with a new key.", nil, 200, Keys{}, nil},
	"GET /api/v1/audit":             {"List the audit log, the newest row first.", nil, 200, Audit{}, nil},
	"POST /api/v1/audit/verify":     {"Go through the audit log. With an Anchor as the body, compare it with that; the body may be empty.", Anchor{}, 200, AuditReport{}, nil},
	"GET /api/v1/audit/anchor":      {"Name the last row of the audit log.", nil, 200, Anchor{}, nil},
}

type object = map[string]any

// schemas makes JSON Schema of Go types.
type schemas object

func (s schemas) of(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem())
	}
	switch reflect.Zero(t).Interface().(type) {
	case time.Time:
		return object{"type": "string", "format": "date-time"}
	case Text:
		return object{"description": "bytes: a string where it is UTF-8", "oneOf": []any{object{"type": "string"}, object{
			"type": "object", "required": []string{"base64"}, "properties": object{"base64": object{"type": "string", "contentEncoding": "base64"}}}}}
	case Seconds:
		return object{"type": "number", "minimum": 0, "description": "seconds"}
	case Signal:
		return object{"type": []string{"string", "integer"}, "description": "a name such as TERM, or a number"}
	case octaskly.Role:
		return object{"type": "string", "enum": octaskly.Roles}
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if _, ok := s[t.Name()]; !ok {
			s[t.Name()] = nil // it may have itself inside
			s[t.Name()] = s.structure(t)
		}
		return object{"$ref": "#/components/schemas/" + t.Name()}
	}
	panic("no schema of " + t.String())
}

func (s schemas) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		properties[name] = s.of(f.Type)
		if !strings.HasPrefix(options, "omit") && !optional(t, f) {
			required = append(required, name)
		}
	}
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// optional reports whether a field is in a part that may be missing: an embedded
// pointer.
func optional(t reflect.Type, f reflect.StructField) bool {
	for i := range f.Index[1:] {
		if t.FieldByIndex(f.Index[:i+1]).Type.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

// document is what openapi.json has to be.
func document(t *testing.T) []byte {
	all, paths := schemas{}, object{}
	failure := object{"description": "a failure", "content": object{"application/json": object{"schema": all.of(reflect.TypeFor[Failure]())}}}
	for _, r := range newHandler(&fake{}).routes() {
		op, ok := operations[r.method+" "+r.path]
		if !ok {
			t.Fatalf("%s %s is not described", r.method, r.path)
		}
		if paths[r.path] == nil {
			paths[r.path] = object{}
		}
		paths[r.path].(object)[strings.ToLower(r.method)] = describe(r, op, all)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	e.Encode(object{
		"openapi": "3.1.0",
		"info":    object{"title": "octaskly", "version": "1", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"paths":   paths,
		"components": object{
			"schemas":         all,
			"responses":       object{"Failure": failure},
			"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
		},
		"security": []any{object{"bearer": []string{}}},
	})
	return out.Bytes()
}

func describe(r route, op operation, all schemas) object {
	id := strings.ReplaceAll(r.action, ".", "-") + "-" + strings.ToLower(r.method) + strings.Trim(regexp.MustCompile(`\W+`).ReplaceAllString(strings.TrimPrefix(r.path, "/api/v1"), "-"), "")
	out := object{"summary": op.summary, "operationId": strings.TrimSuffix(id, "-")}
	var params []any
	for _, match := range inPath.FindAllStringSubmatch(r.path, -1) {
		params = append(params, object{"name": match[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for name := range strings.FieldsSeq(r.params) {
		params = append(params, parameterOf(r, name))
	}
	if params != nil {
		out["parameters"] = params
	}
	if op.request != nil {
		out["requestBody"] = object{"required": r.action != "audit.verify", "content": object{"application/json": object{"schema": all.of(reflect.TypeOf(op.request))}}}
	}
	if r.action == putBlob {
		out["requestBody"] = object{"required": true, "content": object{"application/octet-stream": object{}}}
	}
	done := object{"description": "done"}
	content := object{}
	if op.response != nil {
		content["application/json"] = object{"schema": all.of(reflect.TypeOf(op.response))}
	}
	for kind, what := range op.other {
		content[kind] = object{"schema": object{"description": what}}
	}
	if len(content) > 0 {
		done["content"] = content
	}
	out["responses"] = object{strconv.Itoa(op.status): done, "default": object{"$ref": "#/components/responses/Failure"}}
	if r.open {
		out["security"] = []any{}
	}
	return out
}

// The document says what the routes and the types of their bodies say; -update
// writes it.
func TestOpenAPI(t *testing.T) {
	want := document(t)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(openAPIDocument, want) {
		t.Error("openapi.json is not what the routes are; go test ./internal/api -run OpenAPI -update")
	}
	if n := len(newHandler(&fake{}).routes()); n != len(operations) {
		t.Errorf("%d routes, %d are described", n, len(operations))
	}
	w := ask(newFleetHandler(&fake{}, &books{}), "client", "GET", "/api/v1/openapi.json", "")
	check(t, w, 200, `"openapi": "3.1.0"`)
}

// What handlers answer is what the document says: the status, and every field.
func TestAnswersAreAsDescribed(t *testing.T) {
	var doc struct {
		Paths      map[string]map[string]struct{ Responses map[string]any }
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any
				Required   []string
			}
		}
	}
	if err := json.Unmarshal(openAPIDocument, &doc); err != nil {
		t.Fatal(err)
	}
	h := newFleetHandler(&fake{has: true}, &books{})
	for _, r := range h.routes() {
		path := strings.NewReplacer("{id}", "42", "{hash}", "HASH", "{worker}", "w", "{user}", "ann", "{token}", "t1").Replace(r.path)
		w := ask(h, "admin", r.method, strings.Replace(path, "HASH", someHash, 1), bodies[r.method+" "+path])
		described := doc.Paths[r.path][strings.ToLower(r.method)].Responses
		if _, ok := described[strconv.Itoa(w.Code)]; !ok {
			t.Errorf("%s %s is answered %d, which is not described", r.method, r.path, w.Code)
		}
		response := operations[r.method+" "+r.path].response
		if response == nil {
			continue
		}
		schema := doc.Components.Schemas[reflect.TypeOf(response).Name()]
		var fields map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s is answered %s, %v", r.method, r.path, w.Body, err)
		}
		for name := range fields {
			if schema.Properties[name] == nil {
				t.Errorf("%s %s answers with %s, which is not described", r.method, r.path, name)
			}
		}
		for _, name := range schema.Required {
			if _, ok := fields[name]; !ok {
				t.Errorf("%s %s answers without %s", r.method, r.path, name)
			}
		}
	}
	if !slices.Contains(doc.Components.Schemas["Submission"].Required, "argv") {
		t.Error("a submission without a command is described as good")
	}
}
