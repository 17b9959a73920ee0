package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// laptop is this program, logged in to a dispatcher elsewhere.
func laptop(t *testing.T, f *fake, b *book) *daemon {
	r := serveTLS(t, f, b)
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv(client.SocketVar, "")
	d := &daemon{t: t, fake: f}
	if got := d.ctl("login", "--user", "ann", "--password-file", secretFile(t, "the password\n"), "--fingerprint", security.Fingerprint(r.ca), r.url); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	return d
}

func secretFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each command does the same through the other door.
func TestFromElsewhere(t *testing.T) {
	f := newFake()
	d := laptop(t, f, &book{})
	f.become(octaskly.Completed, "")
	for _, tt := range []struct{ args, want string }{
		{"run true", ""},
		{"submit true", "42"},
		{"ls -o quiet", "42"},
		{"show 42 -o json", `{"id":"42"`},
		{"logs 42", ""},
		{"logs -f 42", ""},
		{"wait 42", ""},
		{"worker ls -o quiet", "a b c"},
		{"worker drain idle", ""},
		{"stats", "fleet: default"},
		{"version", "dispatcher 1.2.3"},
	} {
		got := d.ctl(strings.Fields(tt.args)...)
		if text := strings.Join(strings.Fields(got.stdout), " "); !strings.Contains(text, tt.want) || got.code != 0 {
			t.Errorf("%s: %+v, want %s", tt.args, got, tt.want)
		}
	}
	if got := d.ctl("worker", "drain", "refused"); got.code != exitDenied || !strings.Contains(got.stderr, "hint: an admin may; octasklyctl whoami tells who you are here") {
		t.Errorf("%+v", got)
	}
}

// TestLoginAgain ends the login that it replaces, and not what it leaves.
func TestLoginAgain(t *testing.T) {
	b := &book{}
	r := serveTLS(t, newFake(), b)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv(client.SocketVar, "")
	d := &daemon{t: t, fake: newFake()}
	login := []string{"login", "--ca", secretFile(t, string(r.pem)), "--context"}
	password := []string{r.url, "--user", "ann", "--password-file", secretFile(t, "the password\n")}
	token := []string{r.url, "--token-file", secretFile(t, "the-token\n")}
	for _, step := range []struct {
		context string
		how     []string
		ended   int
	}{
		{"a", password, 0}, {"b", password, 0}, {"a", password, 1}, {"b", token, 2}, {"b", password, 2}, {"b", password, 3},
	} {
		got := d.ctl(slices.Concat(login, []string{step.context}, step.how)...)
		if ended := strings.Count(b.questions(), "logout"); got.code != 0 || ended != step.ended || strings.Contains(got.stderr, "goes on") {
			t.Errorf("%+v: %d have ended, %+v", step, ended, got)
		}
	}
	b.stays = octaskly.ErrUnavailable
	got := d.ctl(slices.Concat(login, []string{"a"}, password)...)
	if got.code != 0 || !strings.Contains(got.stderr, "the login before goes on until it expires, or octasklyctl token revoke ends it: ") {
		t.Errorf("%+v", got)
	}
}

func TestUserCommands(t *testing.T) {
	b := &book{}
	d := laptop(t, newFake(), b)
	password := secretFile(t, "  a secret \r\n")
	for _, tt := range []struct{ args, want, asked string }{
		{"user ls", `NAME ROLE LOGIN QUEUED RUNNING CHANGED ann\x1b admin disabled - - `, ""},
		{"user ls", "bob client password 5 unlimited ", ""},
		{"user ls -o quiet", "bob", ""},
		{"user ls -o json", `{"users":[{"name":"ann\u001b","role":"admin"`, ""},
		{"user show bob", "name: bob role: client login: password queued: 5 tasks at most running: unlimited rate: as configured for all", "user bob"},
		{"user show -o json bob", `{"name":"bob"`, "user bob"},
		{"user add --role client --running unlimited --rate 0.5 --password-file " + password + " carl", "",
			"create {Name:carl Role:client Password:  a secret  Quota:{Queued:0 Running:-1 Rate:0.5}}"},
		{"user add carl -o json", `{"name":"carl"`, "create {Name:carl Role: Password: Quota:{Queued:0 Running:0 Rate:0}}"},
		{"user set bob --rate 2 --running default", "", "change bob role= quota={Queued:5 Running:0 Rate:2}"},
		{"user set bob --disable", "", "change bob role= disabled=true"},
		{"user set bob --enable --role admin", "", "change bob role=admin disabled=false"},
		{"user set bob --no-password", "", `change bob role= password=""`},
		{"user passwd bob --password-file " + password, "", `change bob role= password="  a secret "`},
		{"user passwd --present-file " + password + " --password-file " + password, "", `password "  a secret " "  a secret "`},
		{"user rm bob", "", "remove bob"},
	} {
		got := d.ctl(strings.Fields(tt.args)...)
		if text := strings.Join(strings.Fields(got.stdout), " "); !strings.Contains(text, tt.want) || got.code != 0 || !strings.HasSuffix(b.questions(), tt.asked) {
			t.Errorf("%s: %+v, asked %s", tt.args, got, b.questions())
		}
	}
	for _, words := range []string{"user show carl", "user rm carl", "user set --disable carl"} {
		got := d.ctl(strings.Fields(words)...)
		if got.code != exitNotFound || !strings.Contains(got.stderr, "hint: octasklyctl user ls lists the users there are") {
			t.Errorf("%s: %+v", words, got)
		}
	}
}

func TestTokenCommands(t *testing.T) {
	b := &book{}
	d := laptop(t, newFake(), b)
	for _, tt := range []struct{ args, want, asked string }{
		{"token create --name ci --role client --user bob --expires 2d -o quiet", "the-token", "token ci bob client 48h0m0s"},
		{"token create --name ci --expires 1h -o json", `"token":"the-token"`, "token ci   1h0m0s"},
		{"token ls -o quiet", "t2 t1", "tokens false"},
		{"token ls --all", "t2 machine ann client ci - ", "tokens true"},
		{"token ls", "t1 login ann admin - - ", "tokens false"},
		{"token ls -o json", `{"tokens":[{"id":"t2"`, "tokens false"},
		{"token revoke t2", "", "revoke t2"},
		{"key rotate", "k2 k1", ""},
		{"key rotate -o json", `{"ids":["k2","k1"]}`, ""},
	} {
		got := d.ctl(strings.Fields(tt.args)...)
		if text := strings.Join(strings.Fields(got.stdout), " "); !strings.Contains(text, tt.want) || got.code != 0 || !strings.HasSuffix(b.questions(), tt.asked) {
			t.Errorf("%s: %+v, asked %s", tt.args, got, b.questions())
		}
	}
	if got := d.ctl("token", "revoke", "t3"); got.code != exitNotFound || !strings.Contains(got.stderr, "octasklyctl token ls lists") {
		t.Errorf("%+v", got)
	}
}

func TestAuditCommands(t *testing.T) {
	b := &book{}
	for seq := int64(2500); seq > 0; seq-- {
		b.rows = append(b.rows, api.AuditRow{Seq: seq, At: noon, Who: "ann\x1b", From: "10.0.0.1", What: "task.submit", Target: "42", Outcome: octaskly.Done})
	}
	d := laptop(t, newFake(), b)
	for args, want := range map[string]int{"audit": usualRows + 1, "audit ls --limit 3": 4, "audit -o quiet --limit 2100": 2100, "audit --limit 1000000 -o quiet": 2500} {
		if got := d.ctl(strings.Fields(args)...); strings.Count(got.stdout, "\n") != want || got.code != 0 || strings.Contains(got.stdout, "\x1b") {
			t.Errorf("%s: %d lines, %d %s", args, strings.Count(got.stdout, "\n"), got.code, got.stderr)
		}
	}
	d.ctl(strings.Fields("audit --who ann --what task --target 42 --outcome refused --since 2h --until 2026-01-31T12:00:00Z")...)
	if want := "audit ann task 42 refused false 2026-01-31"; !strings.HasSuffix(b.questions(), want) {
		t.Errorf("asked %s", b.questions())
	}
	anchor := d.ctl("audit", "anchor")
	if !strings.HasPrefix(anchor.stdout, `{"seq":7,"at":"`) || anchor.code != 0 {
		t.Errorf("%+v", anchor)
	}

	b.report = &api.AuditReport{Rows: 7, First: 1, Last: &api.Anchor{Seq: 7, At: noon}, Intact: true}
	got := d.ctl("audit", "verify", "--anchor", secretFile(t, anchor.stdout))
	if got.code != 0 || !strings.HasPrefix(got.stdout, "intact: 7 rows, from 1 to 7 of ") || !strings.HasSuffix(b.questions(), "verify 7") {
		t.Errorf("%+v", got)
	}
	b.report = &api.AuditReport{Rows: 7, Faults: []api.AuditFault{{Seq: 3, Why: "it was edited\x1b"}, {Seq: 5, Last: 6, Why: "they are missing"}}}
	for mode, want := range map[string]string{
		"table": "row 3: it was edited\\x1b\nrows 5 to 6: they are missing\n",
		"json":  `{"rows":7,"intact":false,"faults":[{"seq":3,"why":"it was edited\u001b"},{"seq":5,"last":6,"why":"they are missing"}]}` + "\n",
	} {
		if got := d.ctl("audit", "verify", "-o", mode); got.code != exitError || got.stdout != want {
			t.Errorf("%+v", got)
		}
	}
}

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, zone)
	for text, want := range map[string]string{
		"2h": "2026-01-31T10:00:00+01:00", "0": "2026-01-31T12:00:00+01:00", "2026-01-30": "2026-01-30T00:00:00+01:00",
		"2026-01-30T23:59": "2026-01-30T23:59:00+01:00", "2026-01-30 23:59:58": "2026-01-30T23:59:58+01:00", "2026-01-30T23:59:58Z": "2026-01-30T23:59:58Z",
		"soon": "", "": "", "2026-02-30": "", "-1h": "",
	} {
		got, err := parseTime(text, now)
		if (err != nil) != (want == "") || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestChooseDoor(t *testing.T) {
	for _, tt := range []struct{ argv, socket, context, want string }{
		{"ls", "", "", "{ }"},
		{"ls --socket s", "v", "w", "{s local}"},
		{"ls --context c", "v", "w", "{ c}"},
		{"ls --context c --context d", "", "", "{ d}"},
		{"ls", "v", "", "{v local}"},
		{"ls", "", "w", "{ w}"},
		{"ls", "v", "w", "cannot use $OCTASKLY_SOCKET and $OCTASKLY_CONTEXT together: each says which dispatcher is meant"},
		{"ls --socket s --context c", "", "", "cannot use --socket and --context together: each says which dispatcher is meant"},
		{"ls --context=", "", "", "cannot use --context: it is empty"},
		{"run x --context c", "", "", "{ }"},
	} {
		line, err := readLine(testApp(), strings.Fields(tt.argv))
		if err != nil {
			t.Fatal(err)
		}
		d, err := chooseDoor(line, func(name string) string {
			return map[string]string{client.SocketVar: tt.socket, client.ContextVar: tt.context}[name]
		})
		got := fmt.Sprint(d)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}
