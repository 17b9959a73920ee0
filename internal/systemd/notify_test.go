package systemd

import (
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// notified returns a function that returns the next message to the manager.
func notified(t *testing.T) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		buf := make([]byte, 8192)
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestNotify(t *testing.T) {
	next := notified(t)
	tests := []struct {
		name string
		say  func()
		want string
	}{
		{"ready", func() { Ready("listening on :7878") }, `READY=1\nSTATUS=listening on :7878`},
		{"ready again", func() { Ready("") }, `READY=1`},
		{"status", func() { Status("waits for a dispatcher") }, `STATUS=waits for a dispatcher`},
		{"no second line", func() { Status("a\nREADY=1\r\tb\xff") }, `STATUS=a READY=1  b�`},
		{"reloading", Reloading, `RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n`},
		{"stopping", func() { Stopping("3 commands go on") }, `STOPPING=1\nSTATUS=3 commands go on`},
		{"extend", func() { Extend(90 * time.Second) }, `EXTEND_TIMEOUT_USEC=90000000`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.say()
			if got := next(); !regexp.MustCompile(`\A` + test.want + `\z`).MatchString(got) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestLongStatus(t *testing.T) {
	next := notified(t)
	Status(strings.Repeat("ä", 10000))
	got := next()
	if len(got) > maxStatus+len("STATUS=") || len(got) < maxStatus || !utf8.ValidString(got) || !strings.HasSuffix(got, "ä…") {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-10:])
	}
}

func TestNobodyToNotify(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "none")} {
		t.Setenv("NOTIFY_SOCKET", path)
		Ready("ready")
		Reloading()
	}
}
