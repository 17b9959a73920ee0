package config

import (
	"fmt"
	"os/user"
	"testing"
)

// on makes this another machine until the test is over.
func on(t *testing.T, m machine) {
	before := here
	here = m
	t.Cleanup(func() { here = before })
}

func TestUsers(t *testing.T) {
	const hint = "; make it with systemd-sysusers or name another"
	tests := []struct {
		uid           int // that runs the executor
		worker, runAs string
		want          []string
	}{
		{0, "octaskly-worker", "octaskly-task", nil},
		{0, "root", "ann", nil},
		{0, "carl", "dora", []string{
			`--worker-user: worker_user: there is no user "carl"` + hint,
			`--run-as: run_as: there is no user "dora"` + hint,
		}},
		{0, "ann", "root", []string{"--run-as: run_as: " + errRoot.Error()}},
		{0, "ann", "toor", []string{"--run-as: run_as: " + errRoot.Error()}},
		{0, "ann", "ann", []string{"--run-as: run_as: " + errTooClose.Error()}},
		{0, "", "odd", []string{
			`--worker-user: worker_user: it is empty`,
			`--run-as: run_as: cannot look for user "odd": strconv.Atoi: parsing "x": invalid syntax`,
		}},
		{1000, "ann", "ann", nil},
		{1000, "bob", "ann", nil},
		{1000, "ann", "bob", []string{`--run-as: run_as: an executor of user "ann" cannot run commands as another one: that takes root`}},
		{1000, "ann", "root", []string{"--run-as: run_as: " + errRoot.Error()}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.uid, tt.worker, tt.runAs), func(t *testing.T) {
			on(t, machineOf(tt.uid))
			_, err := LoadExecutor(Sources{Flags: map[string]string{"worker_user": tt.worker, "run_as": tt.runAs}})
			if tt.want == nil && err == nil {
				return
			}
			wantError(t, err, tt.want...)
		})
	}
}

func TestDefaultUsers(t *testing.T) {
	for uid, name := range map[int]string{1000: "ann", 4711: ""} {
		m := machineOf(uid)
		if name == "" { // as one that no passwd knows
			name = "4711"
			m.name = func() string { return name }
		}
		on(t, m)
		x, err := LoadExecutor(Sources{})
		if err != nil || x.WorkerUser != name || x.RunAs != name {
			t.Errorf("worker_user %q, run_as %q, %v; want %q twice", x.WorkerUser, x.RunAs, err, name)
		}
	}

	empty := machineOf(0)
	empty.lookup = func(name string) (*user.User, error) { return nil, user.UnknownUserError(name) }
	on(t, empty)
	_, err := LoadExecutor(Sources{})
	const hint = "; make it with systemd-sysusers or name another; give it by "
	wantError(t, err,
		`built in: worker_user: there is no user "octaskly-worker"`+hint+`--worker-user, OCTASKLY_WORKER_USER or a file`,
		`built in: run_as: there is no user "octaskly-task"`+hint+`--run-as, OCTASKLY_RUN_AS or a file`,
	)
}

func TestOwnName(t *testing.T) {
	if ownName() == "" {
		t.Error("we have neither a name nor a number")
	}
}
