package client

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/security"
)

func testCA(t testing.TB) string {
	authority, err := security.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ca, _ := authority.PEM()
	return string(ca)
}

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://host:3000":     "https://host:3000",
		"https://host":          "https://host",
		"https://HOST.Example/": "https://host.example",
		"https://10.0.0.1:443":  "https://10.0.0.1:443",
		"https://[fe80::1]:3":   "https://[fe80::1]:3",
		"http://127.0.0.1:80":   "http://127.0.0.1:80",
		"http://127.8.8.8":      "http://127.8.8.8",
		"http://[::1]:80":       "http://[::1]:80",
		"http://localhost:80":   "http://localhost:80",

		"":                                       "want https://HOST[:PORT]",
		"host:3000":                              "want https://HOST[:PORT]",
		"ftp://host":                             "want https://HOST[:PORT]",
		"https://host/path":                      "below no path",
		"https://host//":                         "below no path",
		"https://host?x":                         "nothing may follow",
		"https://host?":                          "nothing may follow",
		"https://host/#":                         "nothing may follow",
		"https://ann:pw@host":                    "a user or password does not belong there",
		"https://":                               "no name or address",
		"https://:3000":                          "no name or address",
		"https://a b":                            "invalid character",
		"https://a%00b":                          "invalid",
		"https://ho\nst":                         "invalid control character",
		"https://-host":                          "no name or address",
		"https://host:":                          `"" is no port`,
		"https://host:0":                         `"0" is no port`,
		"https://host:65536":                     `"65536" is no port`,
		"https://host:x":                         "invalid port",
		"http://host":                            "everybody on the way",
		"http://10.0.0.1":                        "everybody on the way",
		"http://localhost.com":                   "everybody on the way",
		"https://" + strings.Repeat("a", maxURL): "more than",
	} {
		u, err := ParseURL(text)
		switch {
		case err == nil && u.String() != want:
			t.Errorf("%q is %v, want %s", text, u, want)
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestParseContexts(t *testing.T) {
	const one = `{"name":"lab","url":"https://h"`
	for text, want := range map[string]string{
		`{"version":1,"contexts":[]}`:                             "",
		`{"version":1,"current":"lab","contexts":[` + one + `}]}`: "",
		`{"version":1,"current":"local","contexts":[]}`:           "",
		``:                              "EOF",
		`{}`:                            "version 0",
		`{"version":2}`:                 "version 2",
		`{"version":1}x`:                "something follows",
		`{"version":1,"more":1}`:        "unknown field",
		`{"version":1,"current":"lab"}`: "there is none of that name",
		`{"version":1,"contexts":[` + one + `},` + one + `}]}`:                                      "two contexts",
		`{"version":1,"contexts":[{"name":"local","url":"https://h"}]}`:                             "means the socket",
		`{"version":1,"contexts":[{"name":"a/b","url":"https://h"}]}`:                               "no name of a context",
		`{"version":1,"contexts":[{"name":"lab","url":"http://h"}]}`:                                `context "lab": cannot use URL`,
		`{"version":1,"contexts":[` + one + `,"token":"a b"}]}`:                                     "no token has",
		`{"version":1,"contexts":[` + one + `,"token":"a\nb"}]}`:                                    "no token has",
		`{"version":1,"contexts":[` + one + `,"token":"` + strings.Repeat("a", maxToken+1) + `"}]}`: "a token has more than",
		`{"version":1,"contexts":[` + one + `,"ca":"x"}]}`:                                          "no certificate in PEM",
		`{"version":1,"contexts":[` + one + `,"ca":"` + strings.Repeat("a", maxCA+1) + `"}]}`:       "ca has more than",
		`{"version":1,"contexts":[` + one + `,"user":"` + strings.Repeat("a", maxUser+1) + `"}]}`:   "user has more than",
		strings.Repeat(" ", maxContextsSize+1):                                                      "more than",
	} {
		_, err := ParseContexts([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: %v, want %q", text, err, want)
		}
	}
}

func TestContextsCome(t *testing.T) {
	all := &Contexts{Current: "lab"}
	all.Put(Context{Name: "lab", URL: "https://h", CA: testCA(t), User: "ann", Access: "a", Refresh: "r", ExpiresAt: time.Unix(1e9, 0).UTC()})
	all.Put(Context{Name: "bot", URL: "https://[::1]:1", Token: "t"})
	all.Put(Context{Name: "bot", URL: "https://[::1]:2", Token: "t"})
	data, err := all.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseContexts(data)
	if diff := cmp.Diff(all, got); diff != "" || err != nil || len(got.Contexts) != 2 {
		t.Errorf("%v\n%s", err, diff)
	}
	if !got.Remove("lab") || got.Remove("lab") || got.Current != "" || len(got.Contexts) != 1 {
		t.Errorf("%+v", got)
	}
}

func FuzzParseContexts(f *testing.F) {
	all := &Contexts{Current: "lab", Contexts: []Context{{Name: "lab", URL: "https://h", CA: testCA(f), Token: "t", ExpiresAt: time.Unix(1e9, 0)}}}
	data, _ := all.Encode()
	f.Add(data)
	f.Add([]byte(`{"version":1,"current":"a","contexts":[{"name":"a","url":"http://[::1]:1/","user":"\u0000\ud800","expires_at":"9999-12-31T23:59:59+23:59"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseContexts(data)
		if err != nil {
			return
		}
		again, err := all.Encode()
		if err != nil {
			t.Fatalf("%q is read but not written: %v", data, err)
		}
		read, err := ParseContexts(again)
		if err != nil {
			t.Fatalf("%q: %v", again, err)
		}
		if diff := cmp.Diff(all.Contexts, read.Contexts); len(all.Contexts) > 0 && diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestContextFile(t *testing.T) {
	f := &ContextFile{filepath.Join(t.TempDir(), "none", "octaskly", "contexts.json")}
	if all, err := f.Load(); err != nil || len(all.Contexts) != 0 {
		t.Fatal(all, err)
	}
	put := func(name string) error {
		return f.Change(t.Context(), func(all *Contexts) error { all.Put(Context{Name: name, URL: "https://h"}); return nil })
	}
	var programs sync.WaitGroup
	for _, name := range strings.Fields("a b c d e f g h") {
		programs.Go(func() {
			if err := put(name); err != nil {
				t.Error(err)
			}
		})
	}
	programs.Wait()
	if all, err := f.Load(); err != nil || len(all.Contexts) != 8 {
		t.Errorf("%+v, %v", all, err)
	}
	info, err := os.Stat(f.Path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := put("a b"); err == nil || !strings.Contains(err.Error(), "no name") {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(f.Path))
	if err != nil || len(entries) != 2 { // and the lock
		t.Error(entries, err)
	}
}

// TestExposed refuses a file whose tokens others can read.
func TestExposed(t *testing.T) {
	f := stored(t, Context{Name: "lab", URL: "https://h", Token: "t"})
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o610} {
		if err := os.Chmod(f.Path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := f.Load()
		if err == nil || !strings.Contains(err.Error(), "chmod 600 "+f.Path) {
			t.Errorf("%v: %v", mode, err)
		}
		if err := f.Change(t.Context(), func(*Contexts) error { return nil }); err == nil {
			t.Errorf("%v: it is written", mode)
		}
	}
}

func TestContextFileStays(t *testing.T) {
	f := stored(t, Context{Name: "lab", URL: "https://h", Token: "t"})
	before, _ := os.ReadFile(f.Path)
	why := errors.New("no")
	if err := f.Renew(t.Context(), "lab", func(c *Context) error { c.Token = "u"; return why }); err != why {
		t.Error(err)
	}
	if err := f.Renew(t.Context(), "other", func(*Context) error { return nil }); err == nil {
		t.Error("a context that is not there was renewed")
	}
	if after, _ := os.ReadFile(f.Path); string(after) != string(before) {
		t.Errorf("%s", after)
	}
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(f.Path, link); err != nil {
		t.Fatal(err)
	}
	if err := (&ContextFile{link}).Renew(t.Context(), "lab", func(c *Context) error { c.Token = "u"; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := load(t, f); got.Token != "u" {
		t.Errorf("behind a link: %+v", got)
	}
}
