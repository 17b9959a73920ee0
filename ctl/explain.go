package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// maxNamed bounds the tasks that a summary names.
const maxNamed = 5

// explain says on stderr what the exit code does not tell of jobs that are over.
func (s *session) explain(ctx context.Context, jobs []*api.Job) {
	if s.output != outputTable {
		return
	}
	if len(jobs) == 1 {
		if text := s.explainOne(ctx, jobs[0]); text != "" {
			s.note("%s", text)
		}
		return
	}
	var named []string
	var sum tally
	for _, job := range jobs {
		sum = sum.plus(tallyOf(job))
		if job.State != octaskly.Completed {
			named = append(named, naming(job.ID, job.State, job.Reason))
		}
	}
	if text := summary(sum); text != "" {
		s.note("%s%s", text, list(named))
	}
}

// explainOne asks for details of a job where it is worth while.
func (s *session) explainOne(ctx context.Context, job *api.Job) string {
	id, err := octaskly.ParseTaskID(job.ID)
	switch {
	case err != nil || job.State == octaskly.Completed || job.Reason.Kind() == "exit":
		return ""
	case job.Array != "":
		failed, _ := s.client.Elements(ctx, id.Job, client.ElementQuery{States: unsuccessful, Limit: maxNamed + 1})
		var named []string
		for _, e := range failed {
			named = append(named, naming(e.ID, e.State, e.Reason))
		}
		return summary(tallyOf(job)) + list(named)
	}
	detail, err := s.client.Show(ctx, id)
	if err != nil {
		detail = &api.Detail{Job: *job}
	}
	return why(detail)
}

var unsuccessful = []octaskly.State{octaskly.Failed, octaskly.TimedOut}

// naming is "42.7 (exit:3)".
func naming(id string, state octaskly.State, reason octaskly.Reason) string {
	if reason == "" {
		return fmt.Sprintf("%s (%v)", id, state)
	}
	return fmt.Sprintf("%s (%s)", id, reason)
}

// list is ": a, b and others", or "".
func list(names []string) string {
	switch {
	case len(names) == 0:
		return ""
	case len(names) > maxNamed:
		names = append(names[:maxNamed:maxNamed], "…")
	}
	return ": " + strings.Join(names, ", ")
}

// talkJSON writes a document to stderr.
func (s *session) talkJSON(document any) {
	line, _ := json.Marshal(document) // of our own types: it cannot fail
	fmt.Fprintf(s.stderr, "%s\n", line)
}
