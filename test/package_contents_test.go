package test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Both packages hold these files, as mode and path.
const inBoth = `
-rw-r--r-- /etc/octaskly/dispatcher.toml
-rw-r--r-- /etc/octaskly/executor.toml
-rw-r--r-- /etc/octaskly/worker.toml
-rwxr-xr-x /usr/bin/octasklyctl
-rwxr-xr-x /usr/bin/octasklyd
-rw-r--r-- /usr/lib/firewalld/services/octaskly.xml
-rw-r--r-- /usr/lib/sysctl.d/60-octaskly.conf
-rw-r--r-- /usr/lib/sysusers.d/octaskly.conf
-rw-r--r-- /usr/lib/tmpfiles.d/octaskly.conf
-rwxr-xr-x /usr/libexec/octaskly/octaskly-init
-rw-r--r-- /usr/share/bash-completion/completions/octasklyctl
-rw-r--r-- /usr/share/doc/octaskly/examples/README.md
-rw-r--r-- /usr/share/doc/octaskly/examples/apparmor/octasklyd
-rw-r--r-- /usr/share/doc/octaskly/examples/config/dispatcher-large.toml
-rw-r--r-- /usr/share/doc/octaskly/examples/config/executor-build.toml
-rw-r--r-- /usr/share/doc/octaskly/examples/config/worker-shared.toml
-rw-r--r-- /usr/share/doc/octaskly/examples/firewall/octaskly.nft
-rw-r--r-- /usr/share/doc/octaskly/examples/grafana/octaskly.json
-rw-r--r-- /usr/share/doc/octaskly/examples/prometheus/octaskly.rules.yml
-rw-r--r-- /usr/share/doc/octaskly/examples/prometheus/scrape.yml
-rwxr-xr-x /usr/share/doc/octaskly/examples/scripts/array-progress.sh
-rwxr-xr-x /usr/share/doc/octaskly/examples/scripts/ci-run.sh
-rwxr-xr-x /usr/share/doc/octaskly/examples/scripts/nightly.sh
-rw-r--r-- /usr/share/doc/octaskly/examples/systemd/addresses.conf
-rw-r--r-- /usr/share/doc/octaskly/examples/systemd/kernel-by-sudo.conf
-rw-r--r-- /usr/share/doc/octaskly/examples/systemd/notify-reload.conf
-rw-r--r-- /usr/share/doc/octaskly/examples/systemd/octasklyd-dispatcher-workers.socket
-rw-r--r-- /usr/share/fish/vendor_completions.d/octasklyctl.fish
-rw-r--r-- /usr/share/man/man1/octasklyctl.1.gz
-rw-r--r-- /usr/share/man/man5/octaskly.toml.5.gz
-rw-r--r-- /usr/share/man/man8/octasklyd.8.gz
`

// The rest is where each distribution looks for it.
const inDeb = `
-rw-r--r-- /etc/ufw/applications.d/octaskly
-rw-r--r-- /lib/systemd/system-preset/90-octaskly.preset
-rw-r--r-- /lib/systemd/system/octaskly.slice
-rw-r--r-- /lib/systemd/system/octasklyd-dispatcher.service
-rw-r--r-- /lib/systemd/system/octasklyd-dispatcher.socket
-rw-r--r-- /lib/systemd/system/octasklyd-executor.service
-rw-r--r-- /lib/systemd/system/octasklyd-executor.socket
-rw-r--r-- /lib/systemd/system/octasklyd-key.service
-rw-r--r-- /lib/systemd/system/octasklyd-worker.service
-rw-r--r-- /lib/systemd/system/octasklyd-worker.socket
-rw-r--r-- /usr/share/doc/octaskly/changelog.Debian.gz
-rw-r--r-- /usr/share/doc/octaskly/copyright
-rw-r--r-- /usr/share/doc/octaskly/third-party.gz
-rw-r--r-- /usr/share/lintian/overrides/octaskly
-rw-r--r-- /usr/share/zsh/vendor-completions/_octasklyctl
`

const inRPM = `
-rw-r--r-- /usr/lib/systemd/system-preset/90-octaskly.preset
-rw-r--r-- /usr/lib/systemd/system/octaskly.slice
-rw-r--r-- /usr/lib/systemd/system/octasklyd-dispatcher.service
-rw-r--r-- /usr/lib/systemd/system/octasklyd-dispatcher.socket
-rw-r--r-- /usr/lib/systemd/system/octasklyd-executor.service
-rw-r--r-- /usr/lib/systemd/system/octasklyd-executor.socket
-rw-r--r-- /usr/lib/systemd/system/octasklyd-key.service
-rw-r--r-- /usr/lib/systemd/system/octasklyd-worker.service
-rw-r--r-- /usr/lib/systemd/system/octasklyd-worker.socket
-rw-r--r-- /usr/share/licenses/octaskly/copyright
-rw-r--r-- /usr/share/licenses/octaskly/third-party.gz
-rw-r--r-- /usr/share/zsh/site-functions/_octasklyctl
`

// The directories that are ours, which a deb has among all those above them.
const ownDirectories = `
drwxr-xr-x /etc/octaskly
drwxr-xr-x /etc/octaskly/dispatcher.d
drwxr-xr-x /etc/octaskly/executor.d
drwxr-xr-x /etc/octaskly/worker.d
drwxr-xr-x /usr/libexec/octaskly
drwxr-xr-x /usr/share/doc/octaskly
drwxr-xr-x /usr/share/doc/octaskly/examples
drwxr-xr-x /usr/share/doc/octaskly/examples/apparmor
drwxr-xr-x /usr/share/doc/octaskly/examples/config
drwxr-xr-x /usr/share/doc/octaskly/examples/firewall
drwxr-xr-x /usr/share/doc/octaskly/examples/grafana
drwxr-xr-x /usr/share/doc/octaskly/examples/prometheus
drwxr-xr-x /usr/share/doc/octaskly/examples/scripts
drwxr-xr-x /usr/share/doc/octaskly/examples/systemd
`

// compareContents reports what got has and the tables have not, and the reverse.
func compareContents(t *testing.T, got []string, tables ...string) {
	t.Helper()
	var want []string
	for _, table := range tables {
		want = append(want, strings.Split(strings.TrimSpace(table), "\n")...)
	}
	if diff := cmp.Diff(byPath(want), byPath(got)); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

func byPath(lines []string) []string {
	path := func(line string) string { return line[strings.IndexByte(line, ' '):] }
	return slices.SortedFunc(slices.Values(lines), func(a, b string) int { return strings.Compare(path(a), path(b)) })
}
