package config

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/dirs"
)

func TestShow(t *testing.T) {
	dir := configDir(t, "dispatcher.toml", "fleet = 'blue'\n", "dispatcher.d/a.toml", "[limits]\nlease = 90\n")
	t.Setenv("OCTASKLY_LIMITS_MAX_OUTPUT", "1500")
	d, err := LoadDispatcher(Sources{Flags: map[string]string{"listen": "[::1]:0"}})
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	if err := Show(&shown, d); err != nil {
		t.Fatal(err)
	}
	want := `state_dir = "/var/lib/o"           # built in
log_level = "info"                 # built in
log_format = "text"                # built in
socket = "/run/o/dispatcher.sock"  # built in
listen = "[::1]:0"                 # --listen
quic = true                        # built in
join_key_file = ""                 # built in
fleet = "blue"                     # DIR/dispatcher.toml:1
announce = true                    # built in
sandbox = "auto"                   # built in
sandbox_floor = "none"             # built in
preset = "auto"                    # built in
http_listen = ""                   # built in
http_plain = false                 # built in
tls_cert = ""                      # built in
tls_key = ""                       # built in
http_names = []                    # built in
cors_origins = []                  # built in

[join]
allow = []  # built in
key = true  # built in

[access]
admins = ["root"]  # built in
dispatchers = []   # built in
clients = ["*"]    # built in

[quotas]
queued = 0              # built in
running = 0             # built in
submits_per_second = 0  # built in

[rest]
requests_per_second = 100  # built in
burst = 200                # built in

[limits]
max_output = "1500B"    # OCTASKLY_LIMITS_MAX_OUTPUT
max_queued = 10000000   # built in
lease = "1m30s"         # DIR/dispatcher.d/a.toml:2
commit_linger = "10ms"  # built in
max_losses = 5          # built in

[retention]
age = "30d"           # built in
tasks = 2000000       # built in
output = "10GiB"      # built in
audit = "365d"        # built in
audit_rows = 5000000  # built in
`
	if got := strings.ReplaceAll(shown.String(), dir, "DIR"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What a configuration shows loads as the same one, whatever its strings hold.
func TestShowReloads(t *testing.T) {
	path := rapid.StringMatching(`/([^\x00]|["'\\#=\n\t]){0,30}`)
	texts := map[string]*rapid.Generator[string]{
		"state_dir":                 path,
		"socket":                    path,
		"join_key_file":             path,
		"invite_file":               path,
		"log_level":                 rapid.SampledFrom([]string{"debug", "INFO", "Warn", "error", "loud"}),
		"log_format":                rapid.SampledFrom([]string{"text", "json"}),
		"listen":                    rapid.StringMatching(`(\[::1\]|[a-z]{0,5}):[0-9]{1,5}`),
		"dispatcher":                rapid.StringMatching(`([a-z]{1,5}:[0-9]{1,5})?`),
		"sandbox":                   rapid.SampledFrom(append(levels, auto, "lax")),
		"sandbox_floor":             rapid.SampledFrom(append(levels, auto)),
		"preset":                    rapid.SampledFrom(append(presets, auto, "lax")),
		"fleet":                     rapid.StringMatching(`[a-z][a-z0-9._-]{0,10}`),
		"quic":                      rapid.SampledFrom([]string{"true", "false"}),
		"transport":                 rapid.SampledFrom([]string{"auto", "tcp", "quic", "udp"}),
		"announce":                  rapid.SampledFrom([]string{"true", "false"}),
		"discover":                  rapid.SampledFrom([]string{"true", "false"}),
		"name":                      rapid.StringMatching(`[a-z][a-z0-9._-]{0,10}`),
		"slots":                     rapid.StringMatching(`[1-9][0-9]{0,3}`),
		"cpus":                      rapid.StringMatching(`[0-9]{0,3}\.[0-9]{1,3}`),
		"memory":                    rapid.StringMatching(`[0-9]{1,9}[KMG]?`),
		"grace":                     rapid.StringMatching(`[0-9]{1,4}(ms|s)`),
		"executor":                  rapid.StringMatching(`(/[a-z"]{1,9})?`),
		"worker_user":               rapid.SampledFrom([]string{"root", "ann", "octaskly-worker", "nobody knows"}),
		"run_as":                    rapid.SampledFrom([]string{"root", "ann", "bob", ""}),
		"directories":               rapid.StringMatching(`(/([^\x00:]|["'\\#=\n\t,]){0,9}){0,3}(:/[a-z]{0,3}){0,2}`),
		"allow_none":                rapid.SampledFrom([]string{"true", "false"}),
		"allow_host_network":        rapid.SampledFrom([]string{"true", "false", "maybe"}),
		"octaskly_init":             rapid.SampledFrom([]string{"", "/bin/sh", "/etc"}),
		"first_uid":                 rapid.StringMatching(`[1-9][0-9]{5,9}`),
		"disk_pool":                 rapid.StringMatching(`auto|0|[0-9]{1,3}[GT]`),
		"http_listen":               rapid.SampledFrom([]string{"", "127.0.0.1:3000", "[::1]:1", ":3000", "here"}),
		"http_names":                rapid.StringMatching(`[a-z]{1,5}(:[a-z0-9.-]{1,9})?`),
		"http_plain":                rapid.SampledFrom([]string{"false", "false", "true"}),
		"tls_cert":                  rapid.SampledFrom([]string{"", "", "", "/cert.pem"}),
		"tls_key":                   rapid.SampledFrom([]string{"", "", "", "/key.pem"}),
		"cors_origins":              rapid.SampledFrom([]string{"", "", "here"}),
		"join.allow":                rapid.StringMatching(`[a-z*?]{1,5}(:web-[*])?`),
		"join.key":                  rapid.SampledFrom([]string{"true", "false"}),
		"access.admins":             rapid.StringMatching(`(@?[a-z]{1,5}|\*)(:[a-z]{1,5})?`),
		"access.dispatchers":        rapid.StringMatching(`@?[a-z"#=]{0,5}`),
		"access.clients":            rapid.SampledFrom([]string{"", "*", "@staff"}),
		"quotas.queued":             rapid.StringMatching(`[0-9]{1,9}`),
		"quotas.running":            rapid.StringMatching(`[0-9]{1,6}`),
		"quotas.submits_per_second": rapid.StringMatching(`[0-9]{1,5}`),
		"rest.requests_per_second":  rapid.StringMatching(`[0-9]{1,6}`),
		"rest.burst":                rapid.StringMatching(`[0-9]{1,6}`),
		"limits.max_output":         rapid.StringMatching(`[1-9][0-9]{0,9}`),
		"limits.max_queued":         rapid.StringMatching(`[1-9][0-9]{0,8}`),
		"limits.lease":              rapid.StringMatching(`[0-9]{1,4}s`),
		"limits.commit_linger":      rapid.StringMatching(`[0-9]{1,4}ms`),
		"limits.max_losses":         rapid.StringMatching(`[0-9]{1,4}`),
		"retention.age":             rapid.StringMatching(`[0-9]{1,6}d`),
		"retention.tasks":           rapid.StringMatching(`[0-9]{1,10}`),
		"retention.output":          rapid.StringMatching(`[0-9]{1,9}M`),
		"retention.audit":           rapid.StringMatching(`[0-9]{1,6}d`),
		"retention.audit_rows":      rapid.StringMatching(`[0-9]{1,10}`),
	}
	for _, role := range dirs.Roles {
		loaded := 0
		rapid.Check(t, func(t *rapid.T) {
			cfg, _ := builtIn(role)
			l := newLoader(cfg)
			flags := map[string]string{}
			for _, key := range Keys(role) {
				if rapid.IntRange(0, 4).Draw(t, "set "+key) == 0 { // with more, hardly any is good
					flags[key] = texts[key].Draw(t, key)
				}
			}
			l.flags(flags)
			l.check(cfg)
			if len(l.problems) == 0 {
				loaded++
				checkShow(t, role, cfg)
			}
		})
		if loaded == 0 {
			t.Errorf("%s: no configuration was good", role)
		}
	}
}

// A key that may not be given is not shown.
func TestShowWhatIsUsed(t *testing.T) {
	configDir(t, "worker.toml", "executor = '/run/x.sock'")
	w, err := LoadWorker(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	if err := Show(&shown, w); err != nil {
		t.Fatal(err)
	}
	if text := shown.String(); strings.Contains(text, "slots") || !strings.Contains(text, "executor = \"/run/x.sock\"") {
		t.Errorf("shown is\n%s", text)
	}
	checkShow(t, dirs.Worker, w)
}

func TestShowOddOrigin(t *testing.T) {
	cfg, err := builtIn(dirs.Worker)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a\nname = 'b'", "tab\there", "not\xfftext", "bell\a"} {
		cfg.common().origins["slots"] = Origin{Name: name, Line: 3}
		checkShow(t, dirs.Worker, cfg)
	}
}
