package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestWait(t *testing.T) {
	f := newFake()
	d := serve(t, f)
	f.become(octaskly.Failed, "exit:3")
	f.onJobs = func(api.Filter) []api.Job {
		return []api.Job{
			{ID: "44", State: octaskly.Completed, Tasks: 1, Counts: map[string]int64{"completed": 1}},
			{ID: "43", State: octaskly.Failed, Reason: "exit:1", Tasks: 1, Counts: map[string]int64{"failed": 1}},
		}
	}
	for _, tt := range []struct {
		args string
		want result
	}{
		{"wait 42", result{"", "", 3}},
		{"wait 42 42", result{"", "", 3}}, // once is enough
		{"wait 42.7", result{"", "", 3}},
		{"wait 43-44", result{"", "octasklyctl: 1 of 2 tasks completed, 1 failed: 43 (exit:1)\n", 1}},
		{"wait 42 43-44", result{"", "octasklyctl: 1 of 3 tasks completed, 2 failed: 42 (exit:3), 43 (exit:1)\n", 1}},
		{"wait 41", result{"", "octasklyctl: error: cannot find task 41: not found\noctasklyctl: hint: octasklyctl ls -a lists the jobs there are\n", 66}},
		{"wait 42.0-1000", result{"", "octasklyctl: error: cannot look at 1001 elements one by one, 1000 are allowed; name the job, 42\n", 2}},
	} {
		if got := d.ctl(strings.Fields(tt.args)...); got != tt.want {
			t.Errorf("%s: %+v\nwant %+v", tt.args, got, tt.want)
		}
	}
}

func TestWaitForNothing(t *testing.T) {
	f := newFake()
	f.onJobs = func(api.Filter) []api.Job { return nil }
	if got := serve(t, f).ctl("wait", "all"); got != (result{}) {
		t.Errorf("%+v", got)
	}
}

func TestWaitTimeout(t *testing.T) {
	d := serve(t, newFake())
	want := result{"", "octasklyctl: error: cannot wait any longer: not all is over after 10ms\n", 124}
	if got := d.ctl("wait", "42", "--timeout", "10ms"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestWaitInterrupted(t *testing.T) {
	f := newFake()
	c := serve(t, f).begin(nil, "wait", "42")
	<-f.began
	interrupt(t, syscall.SIGINT)
	if got := c.end(); got != (result{"", "", 130}) {
		t.Errorf("%+v", got)
	}
	if asked := f.questions(); len(asked) > 0 {
		t.Errorf("it asked %q", asked)
	}
}

func TestWaitSurvivesTheDispatcher(t *testing.T) {
	f := newFake()
	d := serve(t, f)
	c := d.begin(nil, "wait", "42")
	<-f.began
	d.stop()
	c.stderr.await(t, "is away")
	d.start()
	c.stderr.await(t, "is back")
	f.become(octaskly.Completed, "")
	if got := c.end(); got.code != 0 {
		t.Errorf("%+v", got)
	}
}

// A list is fetched page by page.
func TestJobsArePaged(t *testing.T) {
	const all = 2500
	f := newFake()
	f.onJobs = func(filter api.Filter) (page []api.Job) {
		from := octaskly.JobID(all)
		if filter.Before > 0 {
			from = filter.Before - 1
		}
		for id := from; id > 0 && len(page) < filter.Limit; id-- {
			page = append(page, api.Job{ID: id.String(), State: octaskly.Completed, Tasks: 1})
		}
		return page
	}
	d := serve(t, f)
	for _, tt := range []struct {
		args string
		want int
	}{{"ls -a -o quiet", all}, {"ls -a -o quiet --limit 1500", 1500}, {"ls -o quiet --state completed", all}, {"ls -o quiet --limit 7", 7}, {"ls -a -o quiet --limit 1000", 1000}} {
		got := d.ctl(strings.Fields(tt.args)...)
		lines := strings.Fields(got.stdout)
		if len(lines) != tt.want || lines[0] != "2500" || lines[len(lines)-1] != fmt.Sprint(all-tt.want+1) {
			t.Errorf("%s: %d jobs, exit code %d %s", tt.args, len(lines), got.code, got.stderr)
		}
	}
	if got := d.ctl("ls", "-o", "quiet"); len(strings.Fields(got.stdout)) != api.MaxLimit {
		t.Errorf("ls: %d jobs", len(strings.Fields(got.stdout)))
	}
	if got := d.ctl("ls"); got.stderr != "octasklyctl: this is not all; octasklyctl ls -a lists every job\n" {
		t.Errorf("ls: %q", got.stderr)
	}
}

func TestLogs(t *testing.T) {
	f := newFake()
	data := framed(t, "o:1\n2\n", "e:E\n", "o:3\n")
	f.onOutput = func(context.Context, bool) (io.ReadCloser, error) {
		return output(func(w io.Writer) error { return write(w, data) }), nil
	}
	d := serve(t, f)
	for _, tt := range []struct {
		args, stdout, stderr string
	}{
		{"logs 42", "1\n2\n3\n", "E\n"},
		{"logs last", "1\n2\n3\n", "E\n"},
		{"logs 42 -f", "1\n2\n3\n", "E\n"},
		{"logs --stdout 42", "1\n2\n3\n", ""},
		{"logs 42 --stderr", "", "E\n"},
		{"logs 42 --stderr --stdout", "1\n2\n3\n", "E\n"},
		{"logs 42 --tail 2", "3\n", "E\n"},
		{"logs 42 --tail 2 --stdout", "2\n3\n", ""},
		{"logs 42 --tail 1 -f", "3\n", ""},
		{"logs 42 --tail 0", "", ""},
		{"logs 42 -o json", `{"stream":"stdout","data":"1\n2\n"}` + "\n" + `{"stream":"stderr","data":"E\n"}` + "\n" + `{"stream":"stdout","data":"3\n"}` + "\n", ""},
	} {
		if got := d.ctl(strings.Fields(tt.args)...); got != (result{tt.stdout, tt.stderr, 0}) {
			t.Errorf("%s: %+v\nwant %q and %q", tt.args, got, tt.stdout, tt.stderr)
		}
	}
	if asked := strings.Join(f.questions(), "\n"); !strings.Contains(asked, "output 42 0 true") {
		t.Errorf("asked %s", asked)
	}
	d.ctl("logs", "42.7", "--attempt", "3")
	if asked := strings.Join(f.questions(), "\n"); !strings.Contains(asked, "output 42.7 3 false") {
		t.Errorf("asked %s", asked)
	}
}

func TestLogsGone(t *testing.T) {
	f := newFake()
	f.onOutput = func(context.Context, bool) (io.ReadCloser, error) {
		return nil, fmt.Errorf("the output of 42 is gone: %w", octaskly.ErrGone)
	}
	want := result{"", "octasklyctl: error: the output of 42 is gone: gone\n" +
		"octasklyctl: hint: octasklyctl ls -a lists the jobs that are kept; [retention] in dispatcher.toml says for how long\n", 66}
	if got := serve(t, f).ctl("logs", "42"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestChanges(t *testing.T) {
	f := newFake()
	outcomes := map[string]api.Outcome{
		"1": {Done: 1}, "2": {Done: 3}, "42": {Already: []string{"42"}}, "43": {Already: []string{"43.5-9"}},
	}
	f.onCancel = func(what api.Selection) (api.Outcome, error) {
		if what.All {
			return api.Outcome{}, nil
		}
		outcome, ok := outcomes[what.Jobs.String()]
		if !ok {
			return outcome, fmt.Errorf("cannot find task %v: %w", what.Jobs, octaskly.ErrNotFound)
		}
		return outcome, nil
	}
	f.job.State = octaskly.Completed
	d := serve(t, f)
	const missing = "octasklyctl: error: cannot find task 9: not found\noctasklyctl: hint: octasklyctl ls -a lists the jobs there are\n"
	for _, tt := range []struct {
		args string
		want result
	}{
		{"cancel 1", result{"cancelled 1 task\n", "", 0}},
		{"kill 1 2", result{"cancelled 4 tasks\n", "", 0}},
		{"cancel 42", result{"", "octasklyctl: 42 is already over (completed)\n", 1}},
		{"cancel 42 1", result{"cancelled 1 task\n", "octasklyctl: 42 is already over (completed)\n", 0}},
		{"cancel 43", result{"", "octasklyctl: 43.5-9 is already over\n", 1}},
		{"cancel 9", result{"", missing, 66}},
		{"cancel 1 9", result{"cancelled 1 task\n", missing, 66}},
		{"cancel 42 9", result{"", "octasklyctl: 42 is already over (completed)\n" + missing, 66}},
		{"cancel all", result{"cancelled 0 tasks\n", "", 0}}, // stdin is no terminal: nobody is asked
		{"cancel -o json 1 42", result{`{"done":1,"already":["42"]}` + "\n", "", 0}},
		{"cancel -o quiet 1", result{"", "", 0}},
		{"cancel --all-users 1", result{"", "octasklyctl: error: cannot use --all-users without the selector all\n", 2}},
		{"signal 42 usr1", result{"signalled 2 tasks\n", "", 0}},
		{"retry 42", result{"", "octasklyctl: 42 cannot be retried (completed)\n", 1}},
	} {
		if got := d.ctl(strings.Fields(tt.args)...); got != tt.want {
			t.Errorf("%s: %+v\nwant %+v", tt.args, got, tt.want)
		}
	}
	f.become(octaskly.Running, "")
	if got, want := d.ctl("cancel", "42"), (result{"", "octasklyctl: 42 is being cancelled already\n", 0}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	d.ctl("cancel", "--reason", "no more", "1")
	asked := strings.Join(f.questions(), "\n")
	for _, want := range []string{"signal 42 10", `cancel 1 "no more"`} {
		if !strings.Contains(asked, want) {
			t.Errorf("it never asked %s", want)
		}
	}
}

func TestShow(t *testing.T) {
	f := newFake()
	f.job.Name = "name"
	d := serve(t, f)
	if got := d.ctl("show", "42"); got.code != 0 || !strings.HasPrefix(got.stdout, "id:          42\nname:        name\nstate:       running\n") {
		t.Errorf("%+v", got)
	}
	got := d.ctl("show", "-o", "json", "42", "42.7")
	if lines := strings.Split(got.stdout, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], `{"id":"42","owner":"","name":"name","state":"running"`) {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("show", "42", "43"); got.code != 66 || !strings.HasPrefix(got.stdout, "id:") {
		t.Errorf("%+v", got)
	}
}

func TestFleet(t *testing.T) {
	d := serve(t, newFake())
	for _, tt := range []struct{ args, want string }{
		{"worker ls", "NAME STATE SLOTS BUSY CPUS MEMORY SANDBOX CONTAINS VERSION SEEN"},
		{"worker ls", "w1\\x1b[H connected 2 0 0.5 1 GiB strict -"},
		{"worker ls", "w2 lost 0 0 0 0 B - -"},
		{"worker ls -o quiet", "a b c"},
		{"worker ls -o json", `{"workers":[{"id":"a","name":"w1\u001b[H"`},
		{"worker show w2", "name: w2 id: b state: lost slots: 0, 0 busy"},
		{"worker show b w2", "self-test: there is no report of one name: w2"},
		{"worker show -o quiet w2 b", "b b"},
		{"worker show -o json w2", `{"id":"b","name":"w2","state":"lost"`},
		{"stats", "queued: 3 completed: 4 jobs: 0 not over"},
		{"stats", "database: 0 B checked: 2026-11-23T"},
		{"stats", "collected: 5 jobs since it started fleet: default damaged: 2026-11-23T"},
		{"stats", `damage: 3 rows of tasks\x1b are lost damage: job 7 is lost`},
		{"stats", "workers: 0 connected slots: 4, 1 busy"},
		{"stats --owner ann", "queued: 3 completed: 4 jobs: 0 not over counted: ann's, of the jobs that are kept, "},
		{"stats --owner ann", "workers: 0 connected slots: 4, 1 busy fleet: default"},
		{"stats -o json", `"tasks":{"completed":4,"queued":3}`},
		{"version", "octasklyctl dev dispatcher 1.2.3"},
		{"--version", "octasklyctl dev dispatcher 1.2.3"},
		{"version -o json", `{"client":"dev","dispatcher":"1.2.3"}`},
	} {
		got := d.ctl(strings.Fields(tt.args)...)
		if text := strings.Join(strings.Fields(got.stdout), " "); !strings.Contains(text, tt.want) || got.code != 0 {
			t.Errorf("%s: %+v, want %s", tt.args, got, tt.want)
		}
	}
}

func TestWorkerShowUnknown(t *testing.T) {
	d := serve(t, newFake())
	const missing = "octasklyctl: error: cannot find worker \"w/9\": not found\noctasklyctl: hint: octasklyctl worker ls lists the workers there are\n"
	if got := d.ctl("worker", "show", "w/9"); got != (result{"", missing, 66}) {
		t.Errorf("%+v", got)
	}
}

func TestComplete(t *testing.T) {
	f := newFake()
	f.onJobs = func(filter api.Filter) []api.Job {
		return []api.Job{{ID: "42", State: octaskly.Running, Tasks: 1, Command: []api.Text{"x", "\x1b"}}, {ID: "7", State: octaskly.Queued, Tasks: 1}}
	}
	d := serve(t, f)
	for _, tt := range []struct{ words, want string }{
		{"~", "submit run ls show logs wait cancel signal retry why events top stats worker discover login logout whoami context user token audit key version completion"},
		{"s", "submit show signal stats"},
		{"worker ~", "ls show drain resume remove pending approve reject invite invites uninvite"},
		{"worker show ~", "w2 w3"}, // a name that no terminal should see is not offered
		{"worker show w2 ~", "w3"},
		{"worker drain w2 ~", "w3"},
		{"worker resume ~", "w3"},
		{"worker rm ~", "w2"},
		{"worker approve ~", "w1 w9"},
		{"worker approve w1 ~", ""},
		{"worker reject ~", "w1"},
		{"worker reject w1 ~", ""},
		{"worker uninvite ~", "i1"},
		{"worker pending ~", ""},
		{"worker invite ~", ""},
		{"worker invite --n~", "--name"},
		{"worker ls ~", ""},
		{"worker drain --d", "--deadline"},
		{"run --sandbox very", "very-strict"},
		{"submit --network ~", "none host"},
		{"ls --st", "--state"},
		{"ls --state fa", "failed"},
		{"ls -o ~", "table json quiet"},
		{"-o j", "json"},
		{"wait ~", "42 7 last all"},
		{"wait 42 ~", "7 last all"},
		{"wait 42 4", ""},
		{"kill 4", "42"},
		{"signal 42 K", "KILL"},
		{"completion z", "zsh"},
		{"run --ti", "--timeout"},
		{"run --timeout ~", ""},
		{"run --timeout 5 -- ~", ""},
		{"run ech", ""},
		{"run echo --ti", ""},
		{"nosuch ~", ""},
		{"ls --nosuch ~", ""},
		{"logs -", "--help -h --follow -f --stdout --stderr --tail --attempt --socket --context --output -o --version"},
	} {
		words := strings.Split(strings.ReplaceAll(tt.words, "~", ""), " ")
		got := d.ctl(append(words, completeFlag)...)
		var names []string
		for line := range strings.Lines(got.stdout) {
			name, _, _ := strings.Cut(line, "\t")
			names = append(names, name)
		}
		if text := strings.Join(names, " "); text != tt.want || got.code != 0 || got.stderr != "" {
			t.Errorf("%q: %q, want %q; %+v", tt.words, text, tt.want, got)
		}
	}
	if got := d.ctl("wait", "4", completeFlag); got.stdout != "42\trunning x $'\\x1b'\n" {
		t.Errorf("%+v", got)
	}
	d.stop()
	if got := d.ctl("wait", "", completeFlag); got.stdout != "last\tyour latest job\nall\tyour jobs that are not over\n" || got.code != 0 || got.stderr != "" {
		t.Errorf("without a dispatcher: %+v", got)
	}
}

func TestErrorDocument(t *testing.T) {
	d := serve(t, newFake())
	want := `{"error":{"kind":"not-found","message":"cannot find task 41: not found","hint":"octasklyctl ls -a lists the jobs there are","exit_code":66}}` + "\n"
	if got := d.ctl("wait", "41", "-o", "json"); got != (result{"", want, 66}) {
		t.Errorf("%+v", got)
	}
}

func TestErrorsAreDefused(t *testing.T) {
	var stderr buffer
	s := &session{stderr: &stderr, output: outputTable}
	s.fail(withHint(errors.New("a\x1b[2Jb"), "c\x07d"))
	if got, want := stderr.String(), "octasklyctl: error: a\\x1b[2Jb\noctasklyctl: hint: c\\ad\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
