package worker

import (
	"slices"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// Secrets come through a worker, also through one whose executor is elsewhere, and
// what they were sealed in does not go further than that.
func TestSecrets(t *testing.T) { eachWay(t, testSecrets) }

func testSecrets(t *testing.T, r *rig) {
	r.accept()
	r.welcome("g1")
	spec := r.spec(1, octaskly.Spec{Argv: []string{"true"}, SecretNames: []string{"A"}, Sealed: []byte("sealed")})
	spec.Secrets = []string{"A=hunter2"}
	r.send(&protocol.ToWorker{
		Specs:  []protocol.JobSpec{spec, r.spec(2, octaskly.Spec{Argv: []string{"true"}})},
		Assign: []protocol.Assign{{Job: 1, Elements: octaskly.Span(3, 4), Attempt: 2}, {Job: 2, Elements: octaskly.Span(0, 0), Attempt: 1}},
	})
	for _, offer := range []string{"offer 1.3/2", "offer 1.4/2", "offer 2.0/1"} {
		r.expect(offer)
	}
	for i := octaskly.Index(3); i <= 4; i++ {
		a := r.x.attempt(octaskly.AttemptID{Job: 1, Index: i, Number: 2})
		if !slices.Equal(a.Secrets, []string{"A=hunter2"}) || a.Spec.Sealed != nil || a.Err != nil {
			t.Errorf("the attempt: %+v, of %+v", a, a.Spec)
		}
	}
	if a := r.x.attempt(octaskly.AttemptID{Job: 2, Number: 1}); a.Secrets != nil {
		t.Errorf("one without: %+v", a)
	}
}
