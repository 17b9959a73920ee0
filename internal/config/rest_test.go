package config

import (
	"errors"
	"maps"
	"strings"
	"testing"
)

func TestDoorRefuses(t *testing.T) {
	for text, key := range map[string]string{
		"http_listen = 'here'":                                  "http_listen",
		"http_plain = true":                                     "http_plain",
		"http_plain = true\nhttp_listen = ':3000'":              "http_plain",
		"http_plain = true\nhttp_listen = '192.0.2.7:3000'":     "http_plain",
		"http_plain = true\nhttp_listen = 'board.example:3000'": "http_plain",
		"http_names = ['a b']":                                  "http_names",
		"http_names = ['']":                                     "http_names",
		"tls_cert = '/c'":                                       "tls_cert",
		"tls_key = '/k'":                                        "tls_cert",
		"tls_cert = 'c'\ntls_key = '/k'":                        "tls_cert",
		"cors_origins = ['*']":                                  "cors_origins",
		"cors_origins = ['https://a/']":                         "cors_origins",
		"cors_origins = ['https://A']":                          "cors_origins",
		"cors_origins = ['null']":                               "cors_origins",
		"access.admins = ['']":                                  "access.admins",
		"access.admins = ['@']":                                 "access.admins",
		"access.dispatchers = ['a:b']":                          "access.dispatchers",
		"access.clients = ['a b']":                              "access.clients",
		"quotas.queued = -1":                                    "quotas.queued",
		"rest.burst = 0":                                        "rest.burst",
	} {
		configDir(t, "dispatcher.toml", text+"\n")
		_, err := LoadDispatcher(Sources{})
		if problem, ok := errors.AsType[*Problem](err); !ok || problem.Key != key {
			t.Errorf("%q: %v, want a problem of %s", text, err, key)
		}
	}
	for _, text := range []string{
		"http_plain = true\nhttp_listen = '[::1]:3000'", "http_plain = true\nhttp_listen = 'localhost:3000'",
		"tls_cert = '/c'\ntls_key = '/k'", "http_names = ['a.example', '192.0.2.7', '2001:db8::1']",
		"cors_origins = ['https://a.example:8443', 'http://localhost']", "access.admins = ['@wheel', 'ann', '*']",
	} {
		configDir(t, "dispatcher.toml", text+"\n")
		if _, err := LoadDispatcher(Sources{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whoever types octasklyd dispatcher administers it; a service's user does not.
func TestOwnUserIsAdmin(t *testing.T) {
	was := here
	defer func() { here = was }()
	here.name = func() string { return "ann" }
	for dir, want := range map[string]int{"": 2, "/home/ann/.local/state/octaskly": 2, "/var/lib/octaskly/dispatcher": 1} {
		t.Setenv("STATE_DIRECTORY", dir)
		if got := newAccess().Admins; len(got) != want || got[0] != "root" {
			t.Errorf("in %q the admins are %q", dir, got)
		}
	}
}

// A worker has no certificate but that of its files, and says so.
func TestWorkersDoor(t *testing.T) {
	configDir(t)
	cert := map[string]string{"tls_cert": "/cert.pem", "tls_key": "/key.pem"}
	for name, test := range map[string]struct {
		flags map[string]string
		want  string // of the problem; empty: there is none
	}{
		"none":              {nil, ""},
		"files":             {map[string]string{"http_listen": ":3001"}, ""},
		"loopback":          {map[string]string{"http_listen": "127.0.0.1:0", "http_plain": "true", "tls_cert": "", "tls_key": ""}, ""},
		"nothing":           {map[string]string{"http_listen": ":3001", "tls_cert": "", "tls_key": ""}, "give tls_cert and tls_key"},
		"loopback with TLS": {map[string]string{"http_listen": "127.0.0.1:3001", "tls_cert": "", "tls_key": ""}, "give tls_cert and tls_key"},
		"plain":             {map[string]string{"http_listen": ":3001", "http_plain": "true"}, "loopback addresses only"},
		"half":              {map[string]string{"http_listen": ":3001", "tls_key": ""}, "go together"},
	} {
		flags := maps.Clone(cert)
		maps.Copy(flags, test.flags)
		_, err := LoadWorker(Sources{Flags: flags})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
