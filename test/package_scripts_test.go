package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// call is how a package manager calls a maintainer script.
type call struct {
	script string
	args   string
	runs   string // the units that are active
}

// TestMaintainerScripts runs them with stand-ins for all that they call. Those
// that remove files are not among them.
func TestMaintainerScripts(t *testing.T) {
	const debState = `deb-systemd-helper update-state octasklyd-dispatcher.service
deb-systemd-helper update-state octasklyd-dispatcher.socket
deb-systemd-helper update-state octasklyd-worker.service
deb-systemd-helper update-state octasklyd-worker.socket
`
	const made = `systemd-sysusers octaskly.conf
systemd-tmpfiles --create octaskly.conf
`
	const sockets, services = "octasklyd-dispatcher.socket octasklyd-worker.socket octasklyd-executor.socket", "octasklyd-dispatcher.service octasklyd-worker.service octasklyd-executor.service"
	const enableable = "octasklyd-dispatcher.service octasklyd-dispatcher.socket octasklyd-worker.service octasklyd-worker.socket"
	tests := []struct {
		name string
		call
		want string
	}{
		{"deb: installed", call{"deb/postinst", "configure", ""}, debState + made + "systemctl --system daemon-reload\n"},
		{"deb: upgraded while nothing runs", call{"deb/postinst", "configure 1.0", ""}, debState + made + `systemctl --system daemon-reload
deb-systemd-invoke try-restart octasklyd-dispatcher.service octasklyd-worker.service
`},
		{"deb: upgraded under running commands", call{"deb/postinst", "configure 1.0", "octasklyd-executor.service"}, debState + made + `systemctl --system daemon-reload
deb-systemd-invoke reload octasklyd-executor.service
deb-systemd-invoke try-restart octasklyd-dispatcher.service octasklyd-worker.service
`},
		{"deb: about to be upgraded", call{"deb/prerm", "upgrade 2.0", ""}, ""},
		{"deb: about to be removed", call{"deb/prerm", "remove", ""}, "deb-systemd-invoke stop " + sockets + " " + services + " octaskly.slice\n"},
		{"rpm: installed", call{"rpm/post", "1", ""}, made + "systemctl --no-reload preset " + enableable + "\n"},
		{"rpm: upgraded", call{"rpm/post", "2", ""}, made},
		{"rpm: done, while nothing runs", call{"rpm/posttrans", "1", ""}, `systemctl daemon-reload
systemctl try-restart octasklyd-dispatcher.service octasklyd-worker.service
`},
		{"rpm: done, under running commands", call{"rpm/posttrans", "1", "octasklyd-executor.service"}, `systemctl daemon-reload
systemctl reload octasklyd-executor.service
systemctl try-restart octasklyd-dispatcher.service octasklyd-worker.service
`},
		{"rpm: the old version goes", call{"rpm/preun", "1", ""}, ""},
		{"rpm: the package goes", call{"rpm/preun", "0", ""}, "systemctl --no-reload disable " + enableable + "\nsystemctl stop " + sockets + " " + services + " octaskly.slice\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.call.log(t)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// standIn logs how it is called. Nothing is enabled, and what runs is active.
const standIn = `#!/bin/sh
case "${0##*/} $*" in
*" is-active "*) case " $RUNS " in *" $3 "*) exit 0 ;; *) exit 3 ;; esac ;;
*" debian-installed "*) exit 0 ;;
*" was-enabled "*) exit 1 ;;
esac
echo "${0##*/} $*" >>"$LOG"
`

// log runs the script as on a machine that runs systemd, where nothing but the
// stand-ins can be found, and returns what it calls.
func (c call) log(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"systemctl", "systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper", "deb-systemd-invoke"} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(standIn), 0o755))
	}
	text := strings.ReplaceAll(string(readFile(t, filepath.Join("../packaging", c.script))), "/run/systemd/system", dir)
	log := filepath.Join(dir, "log")
	check(t, os.WriteFile(log, nil, 0o600))
	sh := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", text, c.script}, strings.Fields(c.args)...)...)
	sh.Env = []string{"PATH=" + dir, "LOG=" + log, "RUNS=" + c.runs}
	if out, err := sh.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("%s %s: %v\n%s", c.script, c.args, err, out)
	}
	return string(readFile(t, log))
}
