package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"

	"github.com/octaskly/octaskly/test/cluster"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// at is a moment of the day of these tests, on both clocks.
func at(seconds int) (time.Time, boottime) {
	d := time.Duration(seconds) * time.Second
	return noon.Add(d), boottime(d)
}

// attempts of the tasks below: each ran on w1 from its second FROM to TO.
func stored(number int, s octaskly.State, reason octaskly.Reason, from int) api.Attempt {
	assigned, _ := at(from)
	a := api.Attempt{Number: number, State: s, Reason: reason, AssignedAt: assigned}
	if _, told := exitOf(&a); told {
		a.Stdout = int64(len(fmt.Sprintf("7 %d\n", number)))
	}
	return a
}

func marks(attempt, from, to int, more ...mark) []mark {
	_, start := at(from)
	_, end := at(to)
	return append([]mark{
		{Word: "start", Task: "7", Attempt: attempt, Worker: "w1", At: start},
		{Word: "end", Task: "7", Attempt: attempt, Worker: "w1", At: end},
	}, more...)
}

// clean is a task that was lost once and then completed.
func clean() *history {
	ended, seen := at(20)
	end := ending{State: octaskly.Completed, Attempt: 2, EndedAt: ended, Seen: seen}
	last := end
	last.Seen *= 2
	return &history{
		Task: "7", Want: promise{State: octaskly.Completed}, First: &end, Last: last,
		Stored: []api.Attempt{
			stored(1, octaskly.Failed, octaskly.ReasonWorkerLost, 1),
			stored(2, octaskly.Completed, "", 11),
		},
		Marks: slices.Concat(marks(1, 1, 9), marks(2, 11, 19)),
	}
}

// Every rule finds what breaks it, and nothing else does.
func TestJudge(t *testing.T) {
	none := []string(nil)
	tests := []struct {
		name   string
		change func(*history)
		want   []string // rules that are broken
	}{
		{"nothing is wrong", func(h *history) {}, none},
		{"no client has looked", func(h *history) { h.First = nil }, none},
		{"lost at submission", func(h *history) { h.Missing = true }, []string{"accepted is kept"}},
		{"never over", func(h *history) {
			h.First, h.Last.State, h.Stored[1].State = nil, octaskly.Running, octaskly.Failed
			h.Stored[1].Reason = octaskly.ReasonWorkerLost
		}, []string{"accepted is kept"}},

		{"another end", func(h *history) { h.First.State = octaskly.Failed }, []string{"ended is ended"}},
		{"another reason", func(h *history) { h.First.Reason = "exit:1" }, []string{"ended is ended"}},
		{"another time", func(h *history) { h.First.EndedAt = noon }, []string{"ended is ended"}},
		{"attempts recorded twice", func(h *history) {
			h.Stored = slices.Insert(h.Stored, 1, h.Stored[0])
		}, []string{"ended is ended"}},
		{"an attempt that has not ended", func(h *history) { h.Stored[0].State = octaskly.Running }, []string{"ended is ended"}},

		{"one attempt executed twice", func(h *history) {
			h.Marks = append(marks(1, 0, 1), h.Marks...)
		}, []string{"one execution for each attempt"}},
		{"an attempt that nobody knows", func(h *history) {
			h.Marks = append(marks(3, 0, 1), h.Marks...)
		}, []string{"one execution for each attempt"}},

		{"it runs again after its completion", func(h *history) {
			h.Stored = append(h.Stored, stored(3, octaskly.Failed, octaskly.ReasonWorkerLost, 19))
			h.First.Attempt, h.Last.Attempt = 3, 3
		}, []string{"what is over does not run again"}},
		{"it runs after it was seen over", func(h *history) {
			h.Marks = slices.Concat(marks(1, 1, 9), marks(2, 21, 22))
		}, []string{"what is over does not run again"}},
		{"a worker that did not know begins late", func(h *history) {
			h.Marks = slices.Concat(marks(1, 31, 39), marks(2, 11, 19))
		}, none},

		{"two at a time", func(h *history) {
			h.Want.AtMostOne = true
			h.Marks = slices.Concat(marks(1, 1, 12), marks(2, 11, 19))
		}, []string{"at most one"}},
		{"two at a time, the older one begins last", func(h *history) {
			h.Want.AtMostOne = true
			h.Marks = slices.Concat(marks(1, 12, 13), marks(2, 11, 19))
		}, []string{"at most one"}},
		{"two at a time, of which one dies without a word", func(h *history) {
			h.Want.AtMostOne = true
			h.Marks = slices.Concat(marks(1, 1, 12), marks(2, 11, 19))
			h.Marks[1].Word = "alive"
		}, []string{"at most one"}},
		{"two at a time are allowed", func(h *history) {
			h.Marks = slices.Concat(marks(1, 1, 12), marks(2, 11, 19))
		}, none},
		{"one after the other", func(h *history) { h.Want.AtMostOne = true }, none},

		{"cancelled by nobody", func(h *history) {
			h.First, h.Last.State = nil, octaskly.Cancelled
		}, []string{"accepted cancels hold"}},
		{"perhaps cancelled", func(h *history) {
			h.First, h.Last.State, h.Perhaps = nil, octaskly.Cancelled, true
		}, none},
		{"a cancel that is lost", func(h *history) { h.Cancelled, _ = at(5) }, []string{"accepted cancels hold"}},
		{"a cancel that comes too late", func(h *history) { h.Cancelled, _ = at(15) }, none},
		{"a cancelled task that fails for its losses", func(h *history) {
			h.Cancelled, _ = at(15)
			h.First, h.Last.State, h.Last.Reason = nil, octaskly.Failed, octaskly.ReasonLostTimes(2)
			h.Stored[1] = stored(2, octaskly.Failed, octaskly.ReasonWorkerLost, 11)
		}, []string{"accepted cancels hold", "the end is the command's own"}},

		{"an end that is not the command's", func(h *history) {
			h.First, h.Last.State, h.Last.Reason = nil, octaskly.Failed, octaskly.ReasonLostTimes(5)
			h.Stored[1] = stored(2, octaskly.Failed, octaskly.ReasonWorkerLost, 11)
		}, []string{"the end is the command's own"}},
		{"it should fail", func(h *history) {
			h.Want = promise{State: octaskly.Failed, Reason: "exit:3"}
		}, []string{"the end is the command's own"}},

		{"it completes without having run", func(h *history) { h.Marks = h.Marks[:2] }, []string{"the store believes the command"}},
		{"it completes without an end", func(h *history) { h.Marks[3].Word = "alive" }, []string{"the store believes the command"}},
		{"it exits otherwise", func(h *history) { h.Marks[3].Code = 3 }, []string{"the store believes the command"}},

		{"a failure too many", func(h *history) {
			h.Stored[0] = stored(1, octaskly.Failed, "exit:9", 1)
			h.Marks[1].Code = 9
		}, []string{"retries are counted"}},
		{"a failure that may be", func(h *history) {
			h.Want.Failures = 1
			h.Stored[0] = stored(1, octaskly.Failed, "exit:9", 1)
			h.Marks[1].Code = 9
		}, none},
		{"a retry is taken away", func(h *history) { *h = *failed(2, 1) }, []string{"retries are counted"}},
		{"a retry is given back", func(h *history) { *h = *failed(2, 3) }, []string{"retries are counted"}},
		{"all retries are used", func(h *history) { *h = *failed(2, 2) }, none},
		{"a retry by hand", func(h *history) { *h = *failed(2, 4); h.Retried = 1 }, none},
		{"a retry by hand that does nothing", func(h *history) { *h = *failed(2, 2); h.Retried = 1 }, []string{"retries are counted"}},
		{"perhaps a retry by hand", func(h *history) { *h = *failed(2, 4); h.Unsure = true }, none},

		{"output is cut", func(h *history) { h.Stored[1].Stdout-- }, []string{"output is kept"}},
		{"output is discarded", func(h *history) { h.Stored[1].Discarded = 1 }, []string{"output is kept"}},

		{"wait tells another end", func(h *history) { h.Told = &cluster.Result{Code: 125} }, []string{"who waits is told the end"}},
		{"wait tells the end", func(h *history) { h.Told = new(cluster.Result) }, none},
	}
	broken := map[string]bool{}
	for _, tt := range tests {
		h := clean()
		tt.change(h)
		var got []string
		for _, v := range judge(h) {
			if broken[v.Rule] = true; !slices.Contains(got, v.Rule) {
				got = append(got, v.Rule)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q: %v", tt.name, got, tt.want, judge(h))
		}
	}
	for _, rule := range rules {
		if !broken[rule.name] {
			t.Errorf("nothing here breaks the rule %q", rule.name)
		}
	}
}

// failed is a task that failed by itself n times, of as many as wanted.
func failed(want, n int) *history {
	end := ending{State: octaskly.Failed, Reason: "exit:3", Attempt: n}
	h := &history{Task: "7", Last: end, Want: promise{State: octaskly.Failed, Reason: "exit:3", Failures: want}}
	for i := 1; i <= n; i++ {
		h.Stored = append(h.Stored, stored(i, octaskly.Failed, "exit:3", 10*i))
		h.Marks = append(h.Marks, marks(i, 10*i, 10*i+5)...)
		h.Marks[len(h.Marks)-1].Code = 3
	}
	return h
}

func TestLate(t *testing.T) {
	h := clean()
	if n := late(h); n != 0 {
		t.Errorf("%d executions are behind time, want none", n)
	}
	h.Marks = slices.Concat(marks(1, 31, 39), marks(2, 11, 19))
	if n := late(h); n != 1 {
		t.Errorf("%d executions are behind time, want 1", n)
	}
}

func TestAccepted(t *testing.T) {
	job := func(tag string, id octaskly.JobID) *entry { return &entry{order: &order{Tag: tag}, ID: id} }
	jobs := []*entry{job("a", 1), job("b", 2), job("c", 0), job("d", 0)}
	names := func(more ...string) map[octaskly.JobID]string {
		all := map[octaskly.JobID]string{1: "a", 2: "b", 3: "c"}
		for i, name := range more {
			all[octaskly.JobID(4+i)] = name
		}
		return all
	}
	tests := []struct {
		name  string
		names map[octaskly.JobID]string
		ran   map[string]string // tag by task
		want  string            // empty: nothing
	}{
		{"all is well", names(), map[string]string{"1": "a", "3.7": "c"}, ""},
		{"a stranger", names("x"), nil, "nobody"},
		{"twice", names("a"), nil, "too"},
		{"another id", map[octaskly.JobID]string{2: "a"}, nil, "accepted as job 1"},
		{"a command of another job", names(), map[string]string{"2": "a"}, "it ran as \"a\""},
		{"a command of no job", names(), map[string]string{"9": "d"}, "it ran as \"d\""},
	}
	for _, tt := range tests {
		ran := map[string][]mark{}
		for task, tag := range tt.ran {
			ran[task] = []mark{{Tag: tag}}
		}
		got := fmt.Sprint(accepted(jobs, tt.names, ran))
		if tt.want == "" && got != "[]" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want …%s…", tt.name, got, tt.want)
		}
	}
}
