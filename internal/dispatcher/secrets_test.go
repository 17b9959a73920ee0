package dispatcher

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/security"
)

// untold is the value of a secret.
const untold = "hunter2"

func sealing(d *Dispatcher) { d.Vault = security.NewVault(security.GenerateKey()) }

// spec waits for a job's spec.
func (h *hand) spec(job octaskly.JobID) protocol.JobSpec {
	for {
		<-h.s.wake
		frames, _ := h.s.take()
		for _, frame := range frames {
			for _, spec := range frame.Specs {
				if spec.Job == job {
					return spec
				}
			}
		}
	}
}

// tracesOf are the files of the dispatcher, and what the process shows, that have
// some text in them.
func (l *live) tracesOf(text string) (found []string) {
	l.t.Helper()
	files := []string{"/proc/self/cmdline", "/proc/self/environ"}
	l.check(filepath.WalkDir(l.d.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	if len(files) < 4 {
		l.t.Errorf("the dispatcher has no database: %q", files)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		l.check(err)
		if bytes.Contains(data, []byte(text)) {
			found = append(found, path)
		}
	}
	if lines := l.log.lines(text); len(lines) > 0 {
		found = append(found, lines...)
	}
	return found
}

func secretly(s *api.Submission) {
	s.Env, s.SecretEnv = []api.Text{"OPEN=open"}, []api.Text{"A=" + untold, "B=\xff" + untold}
}

// A secret goes to the worker that runs the task, and nowhere else.
func TestSecretsGoToTheWorkerAlone(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, sealing)
	poor := l.join("poor", levelNone)
	id, err := l.submit(secretly)
	l.check(err)
	if d := l.show(id); !strings.Contains(d.Waits, "no connected worker offers secret-env") {
		t.Errorf("it waits: %s", d.Waits)
	}
	poor.leave(true)
	h := l.join("w", levelNone, octaskly.SecretEnv)
	sent := h.spec(id.Job)
	if !slices.Equal(sent.Secrets, []string{"A=" + untold, "B=\xff" + untold}) || bytes.Contains(sent.Spec, []byte(untold)) {
		t.Errorf("the worker gets %q, %q", sent.Secrets, sent.Spec)
	}
	h.end(octaskly.AttemptID{Job: id.Job, Number: 1}, octaskly.End{State: octaskly.Completed})
	shown := l.show(id)
	jobs, err := l.Jobs(t.Context(), client.Query{All: true})
	l.check(err)
	text, err := json.Marshal([]any{shown, jobs})
	l.check(err)
	if bytes.Contains(text, []byte(untold)) || !slices.Equal(shown.Submission.SecretEnv, []api.Text{"A=(secret)", "B=(secret)"}) {
		t.Errorf("show says %s", text)
	}
	if found := l.tracesOf(untold); len(found) > 0 {
		t.Errorf("it is in %q", found)
	}
	if found := l.tracesOf("OPEN=open"); len(found) == 0 {
		t.Error("what is no secret is not found either")
	}
	_, err = l.submit(func(s *api.Submission) { *s = shown.Submission })
	if bad, ok := errors.AsType[*octaskly.FieldError](err); !ok || bad.Field != "secret_env" {
		t.Errorf("what is shown is accepted as secrets: %v", err)
	}
	plain, err := l.submit(func(*api.Submission) {})
	l.check(err)
	if spec := l.stored(plain); spec.Sealed != nil || slices.Contains(spec.Needs, octaskly.SecretEnv) {
		t.Errorf("one without secrets: %+v", spec)
	}
}

// Bad input does not come back to whoever reads the answer.
func TestBadSecrets(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, sealing)
	for _, secret := range []api.Text{untold, "=" + untold, "A=\x00" + untold, "OCTASKLY_X=" + untold} {
		_, err := l.submit(func(s *api.Submission) { s.SecretEnv = []api.Text{secret} })
		if bad, ok := errors.AsType[*octaskly.FieldError](err); !ok || bad.Field != "secret_env" || strings.Contains(bad.Why, untold) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if found := l.tracesOf(untold); len(found) > 0 {
		t.Errorf("it is in %q", found)
	}
	l.inCore(func(c *core) { c.Vault = nil })
	_, err := l.submit(secretly)
	if bad, ok := errors.AsType[*octaskly.FieldError](err); !ok || bad.Why != "this dispatcher has no key to seal it by" {
		t.Errorf("%v", err)
	}
}

func TestSecretsAndKey(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, sealing)
	keyed := func(edit func(*api.Submission)) (*api.Accepted, error) {
		s := &api.Submission{Argv: []api.Text{"true"}, Key: "k"}
		secretly(s)
		edit(s)
		return l.Submit(t.Context(), s)
	}
	same := func(*api.Submission) {}
	first, err := keyed(same)
	l.check(err)
	if again, err := keyed(same); err != nil || !again.Repeated || again.ID != first.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	for what, edit := range map[string]func(*api.Submission){
		"another value":  func(s *api.Submission) { s.SecretEnv[0] = "A=x" },
		"another order":  func(s *api.Submission) { slices.Reverse(s.SecretEnv) },
		"another name":   func(s *api.Submission) { s.SecretEnv[0] = "C=" + untold },
		"one less":       func(s *api.Submission) { s.SecretEnv = s.SecretEnv[:1] },
		"none":           func(s *api.Submission) { s.SecretEnv = nil },
		"no secret more": func(s *api.Submission) { s.Env, s.SecretEnv = append(s.Env, s.SecretEnv[0]), s.SecretEnv[1:] },
	} {
		if again, err := keyed(edit); !errors.Is(err, octaskly.ErrConflict) || strings.Contains(err.Error(), untold) {
			t.Errorf("%s: %+v, %v", what, again, err)
		}
	}
	l.inCore(func(c *core) { sealing(l.d) })
	if _, err := keyed(same); !errors.Is(err, octaskly.ErrConflict) || !strings.Contains(err.Error(), "cannot be told") {
		t.Errorf("with another fleet key: %v", err)
	}
}

// What was sealed under a fleet key that was replaced ends at once, and says why.
// With the key back it can be retried.
func TestSecretsWithoutTheirKey(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, sealing)
	first := l.d.Vault
	id, err := l.submit(func(s *api.Submission) {
		secretly(s)
		s.Retries, s.Array = 5, "0-2"
	})
	l.check(err)
	l.inCore(func(c *core) { sealing(l.d) })
	h := l.join("w", levelNone, octaskly.SecretEnv)
	next, err := l.submit(secretly) // which has been sealed by the new one
	l.check(err)
	h.end(h.task(), octaskly.End{State: octaskly.Completed})
	if d := l.show(next); d.State != octaskly.Completed {
		t.Fatalf("%v %s: %s", d.State, d.Reason, d.Detail)
	}
	for i := range octaskly.Index(3) {
		d := l.show(octaskly.TaskID{Job: id.Job, Index: i, Array: true})
		if d.State != octaskly.Failed || d.Reason != "secret:key-changed" || d.Failures != 0 || len(d.Attempts) != 1 ||
			!strings.Contains(d.Detail, "its secret environment cannot be opened: cannot unseal: it was sealed under another fleet key") ||
			!strings.HasSuffix(d.Detail, "put that key back, and type octasklyctl retry; or submit it again") || *d.Exit != 125 {
			t.Fatalf("%v %s, %d attempts: %s", d.State, d.Reason, len(d.Attempts), d.Detail)
		}
	}
	l.inCore(func(c *core) { l.d.Vault = first })
	_, err = l.d.Retry(t.Context(), api.Caller{Admin: true}, api.Selection{Jobs: octaskly.Span(int64(id.Job), int64(id.Job))})
	l.check(err)
	if sent := h.spec(id.Job); len(sent.Secrets) != 2 {
		t.Errorf("retried, it has %q", sent.Secrets)
	}
}

// What was sealed for one is not opened for another, nor what was changed.
func TestUnseal(t *testing.T) {
	d := &Dispatcher{}
	sealing(d)
	o := &api.Order{Job: octaskly.Job{Owner: "ann"}, Secrets: []string{"A=" + untold}}
	if err := o.Spec.NameSecrets(o.Secrets); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		owner  string
		spoil  func(*octaskly.Spec)
		reason octaskly.Reason // nothing: it can be opened
	}{
		"as it was":     {"ann", func(*octaskly.Spec) {}, ""},
		"another owner": {"bob", func(*octaskly.Spec) {}, octaskly.ReasonSecretDamaged},
		"another name":  {"ann", func(s *octaskly.Spec) { s.SecretNames = []string{"LD_PRELOAD"} }, octaskly.ReasonSecretDamaged},
		"another byte":  {"ann", func(s *octaskly.Spec) { s.Sealed[len(s.Sealed)-1] ^= 1 }, octaskly.ReasonSecretDamaged},
		"nothing":       {"ann", func(s *octaskly.Spec) { s.Sealed = nil }, octaskly.ReasonSecretDamaged},
		"another key":   {"ann", func(s *octaskly.Spec) { sealing(d) }, octaskly.ReasonKeyChanged},
	} {
		spec := o.Spec
		if err := d.seal(&spec, o); err != nil {
			t.Fatal(err)
		}
		test.spoil(&spec)
		secrets, err := d.unseal(&spec, test.owner)
		switch {
		case test.reason == "":
			if err != nil || !slices.Equal(secrets, o.Secrets) {
				t.Errorf("%s: %q, %v", name, secrets, err)
			}
		case err == nil || withoutSecrets(err).Reason != test.reason || withoutSecrets(err).Reason.MeritsRetry():
			t.Errorf("%s: %q, %v", name, secrets, err)
		}
	}
}
