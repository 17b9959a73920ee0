package worker

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// What jobs of an earlier session have left is released, and nothing else.
func TestInputsRetain(t *testing.T) {
	in, err := openInputs(t.TempDir(), map[octaskly.Blob][]octaskly.JobID{"a": {1, 2}, "b": {2}, "c": {3}})
	if err != nil {
		t.Fatal(err)
	}
	for _, blob := range []octaskly.Blob{"a", "b", "c"} {
		if err := os.WriteFile(in.path(blob), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var asked []octaskly.JobID
	in.retain(func(jobs []octaskly.JobID) map[octaskly.JobID]bool {
		asked = slices.Compact(slices.Sorted(slices.Values(jobs)))
		return map[octaskly.JobID]bool{1: true}
	})
	if !slices.Equal(asked, []octaskly.JobID{1, 2, 3}) {
		t.Errorf("asked about jobs %v, want 1, 2 and 3", asked)
	}
	for blob, want := range map[octaskly.Blob]bool{"a": true, "b": false, "c": false} {
		_, here := in.find(blob, 1)
		if _, err := os.Stat(in.path(blob)); here != want || (err == nil) != want {
			t.Errorf("input %s: known %v, its file %v; want it kept: %v", blob, here, err, want)
		}
	}
}

// deadSession opens no channel any more.
type deadSession struct{ transport.Session }

func (deadSession) OpenBulk(context.Context, []byte) (transport.Channel, error) {
	return nil, net.ErrClosed
}

// A link that breaks says nothing about the input.
func TestInputOverBrokenLink(t *testing.T) {
	in, err := openInputs(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.get(t.Context(), deadSession{}, "a", 1); !errors.Is(err, errBroken) {
		t.Errorf("error %v is not errBroken", err)
	}
}

// What is said of an attempt whose input is on its way is not lost.
func TestStopWhileInputArrives(t *testing.T) {
	id := octaskly.AttemptID{Job: 1, Number: 1}
	other := octaskly.AttemptID{Job: 2, Number: 1}
	x := newFakeExecutor()
	var a arriving
	a.enter([]*executor.Attempt{{ID: id}})
	a.stop(x, protocol.Stop{ID: other})
	a.stop(x, protocol.Stop{ID: id, Drop: true})
	if err := a.offer(x, []*executor.Attempt{{ID: id}}); err != nil {
		t.Fatal(err)
	}
	a.stop(x, protocol.Stop{ID: id})
	var told []string
	for range 4 {
		told = append(told, <-x.told)
	}
	want := []string{"stop 2.0/1", "offer 1.0/1", "drop 1.0/1", "stop 1.0/1"}
	if !slices.Equal(told, want) {
		t.Errorf("the executor is told %q, want %q", told, want)
	}
}
