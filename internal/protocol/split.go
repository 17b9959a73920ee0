package protocol

import "github.com/octaskly/octaskly/internal/octaskly"

// frameGoal is the size at which Split begins another frame, in bytes: far
// below MaxFrame, so that counting roughly is enough.
const frameGoal = MaxFrame / 2

// Split divides a batch whose specs and items would not fit into one frame. The
// order of what it says stays.
func Split(m *ToWorker) []*ToWorker {
	if bulk(m) < frameGoal {
		return []*ToWorker{m}
	}
	first := &ToWorker{Welcome: m.Welcome}
	frames := []*ToWorker{first}
	room := frameGoal
	next := func(need int) *ToWorker {
		if need > room {
			frames = append(frames, &ToWorker{})
			room = frameGoal
		}
		room -= need
		return frames[len(frames)-1]
	}
	for _, spec := range m.Specs {
		frame := next(spec.size())
		frame.Specs = append(frame.Specs, spec)
	}
	for _, a := range m.Assign {
		splitAssign(a, next)
	}
	rest := *m
	rest.Welcome, rest.Specs, rest.Assign = nil, nil, nil
	return append(frames, &rest)
}

// splitAssign hands out the elements of one assignment, with their items.
func splitAssign(a Assign, next func(int) *ToWorker) {
	if len(a.Items) == 0 {
		frame := next(0)
		frame.Assign = append(frame.Assign, a)
		return
	}
	at := 0
	a.Elements.Each(func(i octaskly.Index) bool {
		frame := next(len(a.Items[at]))
		one := Assign{Job: a.Job, Elements: octaskly.Span(i, i), Attempt: a.Attempt, Items: a.Items[at : at+1]}
		frame.Assign = append(frame.Assign, one)
		at++
		return true
	})
}

func bulk(m *ToWorker) (n int) {
	for _, spec := range m.Specs {
		n += spec.size()
	}
	for _, a := range m.Assign {
		for _, item := range a.Items {
			n += len(item)
		}
	}
	return n
}

func (s *JobSpec) size() (n int) {
	n = len(s.Spec)
	for _, secret := range s.Secrets {
		n += len(secret)
	}
	return n
}
