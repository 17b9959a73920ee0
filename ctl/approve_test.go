package main

import (
	"strings"
	"testing"
)

func TestRosterCommands(t *testing.T) {
	f := newFake()
	d := serve(t, f)
	const (
		waits   = "octasklyctl: hint: octasklyctl worker pending lists who waits\n"
		invites = "octasklyctl: hint: octasklyctl worker invites lists the invites there are\n"
		use     = "; on the worker's machine: octasklyd worker --invite-file FILE, or put it at /etc/octaskly/invite\n"
	)
	for _, tt := range []struct {
		args, asked string
		want        result
	}{
		{"worker approve w1 483-112", `approve w1 "483-112"`, result{"", "octasklyctl: worker w1 has joined, from 192.0.2.7:1\n", 0}},
		{"worker approve w1 483 112", `approve w1 "483 112"`, result{"", "octasklyctl: worker w1 has joined, from 192.0.2.7:1\n", 0}},
		{"worker approve w9", `approve w9 ""`,
			result{"", "octasklyctl: worker w9 may come back: with the fleet key it does so by itself, else it shows a code, or takes an invite\n", 0}},
		{"worker approve w1 000-000", `approve w1 "000-000"`, result{"", "octasklyctl: error: cannot approve worker w1: it shows another code\n", 1}},
		{"worker approve w1 48311", `approve w1 "48311"`, result{"", "octasklyctl: error: code: want six digits\n" +
			"octasklyctl: hint: read the code on the machine itself: systemctl status octasklyd-worker\n", 2}},
		{"worker approve w2 483-112", `approve w2 "483-112"`, result{"", "octasklyctl: error: cannot approve worker w2: nobody of that name waits: not found\n" + waits, 66}},
		{"worker approve", "", result{"", "octasklyctl: error: the name of a worker is missing\n" + waits, 2}},
		{"worker reject w1", "reject w1", result{"", "octasklyctl: worker w1, from 192.0.2.7:1, is sent away\n", 0}},
		{"worker reject", "", result{"", "octasklyctl: error: the name of a worker is missing\n" + waits, 2}},
		{"worker pending", "pending", result{"NAME  STATE    SINCE   ADDRESS      ID   VERSION  BY\n" +
			"w1    waits    1m ago  192.0.2.7:1  id1  1        -\n" +
			"w9    removed  1m ago  -            id9  -        root\n", "", 0}},
		{"worker pending -o quiet", "pending", result{"id1\nid9\n", "", 0}},
		{"worker invite", `invite "" 24h0m0s`, result{"octi1.secret\n", "octasklyctl: invite i1, good once, ends in 1d" + use, 0}},
		{"worker invite --name w1 --expires 1h -o quiet", `invite "w1" 1h0m0s`, result{"octi1.secret\n", "", 0}},
		{"worker invite --expires 0", "", result{"", "octasklyctl: error: cannot use --expires \"0\": it would never be good\n", 2}},
		{"worker invites", "invites", result{"ID  WORKER  STATE  BY    MADE    ENDS    USED BY\n" +
			"i1  w1      open   root  1m ago  in 1h   -\n" +
			"i2  -       used   root  1m ago  1m ago  b\n", "", 0}},
		{"worker invites -o quiet", "invites", result{"i1\ni2\n", "", 0}},
		{"worker uninvite i1", "revoke i1", result{"", "octasklyctl: invite i1 is revoked\n", 0}},
		{"worker uninvite i3", "revoke i3", result{"", "octasklyctl: error: cannot revoke invite \"i3\": there is none of that id: not found\n" + invites, 66}},
		{"worker uninvite", "", result{"", "octasklyctl: error: the id of an invite is missing\n" + invites, 2}},
	} {
		before := len(f.questions())
		if got := d.ctl(strings.Fields(tt.args)...); got != tt.want {
			t.Errorf("%s: %+v\nwant %+v", tt.args, got, tt.want)
		}
		asked := f.questions()[before:]
		if last := strings.Join(asked[max(0, len(asked)-1):], ""); last != tt.asked {
			t.Errorf("%s: it asked %q, want %q", tt.args, last, tt.asked)
		}
	}
	if got := d.ctl("worker", "invite", "-o", "json"); !strings.Contains(got.stdout, `"token": "octi1.secret"`) && !strings.Contains(got.stdout, `"token":"octi1.secret"`) || got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("worker", "approve", "refused", "1"); got.code != 77 {
		t.Errorf("%+v", got)
	}
}
