package api

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// defaultBackoff is that of a Submission without one.
const defaultBackoff = time.Second

// Accept checks the submission of owner and makes the nouns of it; what is wrong
// is a *octaskly.FieldError. The dispatcher resolves the wish, and completes the
// job by its id, its time and its encoded spec, and where the spec has items,
// which only it can count, by its elements.
func (s *Submission) Accept(owner string) (*Order, error) {
	var f faults
	order := &Order{
		Job: octaskly.Job{
			Owner:    owner,
			Name:     s.Name,
			Elements: s.elements(&f),
			Array:    s.Array != "" || s.Items != "",
			AtOnce:   s.AtOnce,
			Key:      s.Key,
		},
		Spec: s.spec(&f),
		Wish: s.wish(&f),
	}
	order.Secrets = plain(s.SecretEnv)
	f.refuse(order.Spec.NameSecrets(order.Secrets))
	f.blame("name", checkText(s.Name, octaskly.MaxName))
	f.blame("idempotency_key", checkText(s.Key, octaskly.MaxName))
	f.blame("at_once", s.checkAtOnce(order.Job.Array))
	if f.bad == nil {
		f.bad = cmp.Or(order.Spec.Check(), order.Wish.Check())
	}
	if f.bad != nil {
		return nil, f.bad
	}
	return order, nil
}

func (s *Submission) spec(f *faults) octaskly.Spec {
	spec := octaskly.Spec{
		Argv:      plain(s.Argv),
		Env:       plain(s.Env),
		Dir:       string(s.Cwd),
		Stdin:     s.Stdin,
		Items:     s.Items,
		Retries:   s.Retries,
		Backoff:   defaultBackoff,
		Merge:     s.Merge,
		Room:      s.room(f),
		AtMostOne: s.AtMostOne,
	}
	if s.Backoff != nil {
		spec.Backoff = time.Duration(*s.Backoff)
	}
	f.blame("stdin", checkBlob(s.Stdin))
	f.blame("items", checkBlob(s.Items))
	return spec
}

// elements are nil for items.
func (s *Submission) elements(f *faults) octaskly.Ranges {
	switch {
	case s.Array != "" && s.Items != "":
		f.blame("array", fmt.Errorf("it cannot go with items, whose lines are the elements"))
	case s.Items != "":
	case s.Array == "":
		return octaskly.Span(0, 0)
	default:
		set, err := octaskly.ParseRanges(s.Array)
		if n := set.Count(); err == nil && n > octaskly.MaxElements {
			err = fmt.Errorf("it has %d elements, %d are allowed", n, octaskly.MaxElements)
		}
		f.blame("array", err)
		return set
	}
	return nil
}

func (s *Submission) checkAtOnce(array bool) error {
	switch {
	case s.AtOnce < 0 || s.AtOnce > octaskly.MaxElements:
		return fmt.Errorf("%d is not from 0 (no limit) to %d", s.AtOnce, octaskly.MaxElements)
	case s.AtOnce > 0 && !array:
		return fmt.Errorf("it goes with array or items: a plain job has one task")
	}
	return nil
}

// room leaves out what is not asked for.
func (s *Submission) room(f *faults) octaskly.Room {
	room := octaskly.Room{}
	if s.CPUs != 0 {
		room[octaskly.CPU] = s.milliCPUs(f)
	}
	if s.Memory < 0 {
		f.blame("memory", fmt.Errorf("%d bytes is less than nothing", s.Memory))
	}
	if s.Memory > 0 {
		room[octaskly.Memory] = s.Memory
	}
	if len(room) == 0 {
		return nil
	}
	return room
}

// maxCPUs is beyond every machine.
const maxCPUs = 1 << 20

func (s *Submission) milliCPUs(f *faults) int64 {
	if s.CPUs < 0.001 || s.CPUs > maxCPUs {
		f.blame("cpus", fmt.Errorf("%v is not from 0.001 to %d", s.CPUs, maxCPUs))
		return 0
	}
	return int64(math.Round(s.CPUs * 1000))
}

// checkBlob returns an error for what is neither empty nor a name of a blob.
func checkBlob(b octaskly.Blob) error {
	raw, err := hex.DecodeString(string(b))
	if b != "" && (err != nil || hex.EncodeToString(raw) != string(b) || len(raw) != 32) {
		return fmt.Errorf("%q is no SHA-256 in lowercase hex", shorten(string(b)))
	}
	return nil
}

func plain(texts []Text) []string {
	if texts == nil {
		return nil
	}
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = string(t)
	}
	return all
}
