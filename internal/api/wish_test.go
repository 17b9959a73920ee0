package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What a body says of isolation and limits is a wish, and what it leaves out is
// not.
func TestAcceptWish(t *testing.T) {
	for body, want := range map[string]octaskly.Wish{
		``: {},
		`,"sandbox":"very-strict","network":"none","keep_workspace":true`: {Level: octaskly.LevelVeryStrict, HostNetwork: new(false), KeepWorkspace: true},
		`,"network":"host","limits":{}`:                                   {HostNetwork: new(true)},
		`,"limits":{"preset":"strict","cpu_time":0.5,"disk":0}`:           {Preset: "strict", CPUTime: new(500 * time.Millisecond), Disk: new(int64(0))},
		`,"limits":{"memory":2097152,"open_files":64,"processes":9}`:      {Memory: new(int64(2 << 20)), OpenFiles: new(int64(64)), Processes: new(int64(9))},
		`,"timeout":0`:                                  {Timeout: new(time.Duration)},
		`,"memory":2097152,"timeout":3`:                 {Memory: new(int64(2 << 20)), Timeout: new(3 * time.Second)},
		`,"memory":2097152,"limits":{"memory":4194304}`: {Memory: new(int64(4 << 20))},
		`,"memory":2097152,"limits":{"memory":0}`:       {Memory: new(int64(0))},
		`,"limits":null,"sandbox":"","network":""`:      {},
	} {
		var s Submission
		if err := decodeJSON([]byte(`{"argv":["true"]`+body+`}`), &s); err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		order, err := s.Accept("ann")
		if err != nil {
			t.Errorf("%s: %v", body, err)
		} else if diff := cmp.Diff(want, order.Wish); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// A wish that is no JSON of its form is refused by the name of its field.
func TestWishOfWrongForm(t *testing.T) {
	for body, answer := range map[string]string{
		`"sandbox":3`:                                  `"message":"sandbox: want a string, not number","field":"sandbox"`,
		`"network":true`:                               `"field":"network"`,
		`"keep_workspace":"yes"`:                       `"field":"keep_workspace"`,
		`"limits":"strict"`:                            `limits: want an object, not string`,
		`"limits":{"cpu_time":-1}`:                     `limits.cpu_time: want a number of seconds from 0 to ten years`,
		`"limits":{"cpu_time":"1h"}`:                   `"field":"limits.cpu_time"`,
		`"limits":{"memory":"1G"}`:                     `limits.memory: want a whole number, not string`,
		`"limits":{"processes":1.5}`:                   `"field":"limits.processes"`,
		`"limits":{"procs":1}`:                         `"message":"procs: no such field","field":"procs"`,
		`"limits":{"disk":1e99}`:                       `"field":"limits.disk"`,
		`"sandbox":"lax"`:                              `"field":"sandbox"`,
		`"limits":{"preset":"tiny"}`:                   `no preset is named \"tiny\"; there are default, none, relaxed, strict`,
		`"memory":1048576,"limits":{"memory":1048575}`: `"field":"limits.memory"`,
	} {
		h := newHandler(&fake{asked: func(s string) { t.Errorf("asked the dispatcher: %s", s) }})
		check(t, do(h, "POST", "/api/v1/tasks", `{"argv":["true"],`+body+`}`), 400, answer)
	}
}
