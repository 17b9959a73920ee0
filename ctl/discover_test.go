package main

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/discovery"
)

func TestWriteHeard(t *testing.T) {
	addr := netip.MustParseAddr
	heard := []discovery.Heard{
		{Announcement: discovery.Announcement{
			Host: "hub", Port: 7878, Addresses: []netip.Addr{addr("10.0.0.2"), addr("fe80::2%lan0")},
			Fleet: "lab", ID: "0123456789abcdef", Protocol: 1, Version: "1.2.3", Transports: []string{"quic", "tcp"}, REST: 3000,
		}},
		{Announcement: discovery.Announcement{Host: "den", Port: 7879, Addresses: []netip.Addr{addr("2001:db8::1")}, Fleet: "den", ID: "ab"}},
	}
	const table = `FLEET  HOST  ADDRESSES              PORT  TRANSPORTS  REST                   VERSION  ID
lab    hub   10.0.0.2 fe80::2%lan0  7878  quic tcp    https://10.0.0.2:3000  1.2.3    0123456789abcdef
den    den   2001:db8::1            7879  -           -                      -        ab
`
	const document = `{"dispatchers":[` +
		`{"fleet":"lab","id":"0123456789abcdef","host":"hub","addresses":["10.0.0.2:7878","[fe80::2%lan0]:7878"],"port":7878,"transports":["quic","tcp"],"rest":"https://10.0.0.2:3000","protocol":1,"version":"1.2.3"},` +
		`{"fleet":"den","id":"ab","host":"den","addresses":["[2001:db8::1]:7879"],"port":7879,"transports":[],"protocol":0}]}` + "\n"
	for _, tt := range []struct {
		mode           string
		heard          []discovery.Heard
		stdout, stderr string
	}{
		{outputTable, heard, table, ""},
		{outputJSON, heard, document, ""},
		{outputQuiet, heard, "10.0.0.2:7878\n[2001:db8::1]:7879\n", ""},
		{outputTable, nil, "", "octasklyctl: no dispatcher is heard in 3s; one announces itself unless it listens on loopback only or has announce = false\n"},
		{outputJSON, nil, `{"dispatchers":[]}` + "\n", ""},
		{outputQuiet, nil, "", ""},
	} {
		var stdout, stderr bytes.Buffer
		s := &session{stdout: &stdout, stderr: &stderr, output: tt.mode}
		if err := s.writeHeard(tt.heard, 3*time.Second); err != nil || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
			t.Errorf("%s: %v\n%s%s\nwant\n%s%s", tt.mode, err, stdout.String(), stderr.String(), tt.stdout, tt.stderr)
		}
	}
}

func TestDiscoverRefuses(t *testing.T) {
	for words, want := range map[string]string{
		"discover here":         "octasklyctl: error: discover takes no words, and \"here\" is one\noctasklyctl: hint: octasklyctl discover --help\n",
		"discover --timeout 0":  "octasklyctl: error: cannot listen for 0s: --timeout is more than 0s and at most 10m0s\n",
		"discover --timeout 1h": "octasklyctl: error: cannot listen for 1h0m0s: --timeout is more than 0s and at most 10m0s\n",
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"octasklyctl"}, strings.Fields(words)...), nil, &stdout, &stderr)
		if got := (result{stdout.String(), stderr.String(), code}); got != (result{"", want, exitUsage}) {
			t.Errorf("%s: %+v", words, got)
		}
	}
}
