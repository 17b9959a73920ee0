package box

import (
	"fmt"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/box/boxcase"
)

// same compares what all levels print.
func same(t *testing.T, script, want string) {
	t.Helper()
	for i, got := range sh(t, script) {
		if got != want {
			t.Errorf("%v: %s\nprints %q, want %q", levels[i], script, got, want)
		}
	}
}

func differ(t *testing.T, script string, want [3]string) {
	t.Helper()
	for i, got := range sh(t, script) {
		if got != want[i] {
			t.Errorf("%v: %s\nprints %q, want %q", levels[i], script, got, want[i])
		}
	}
}

func TestIdentity(t *testing.T) {
	same(t, `id -u; id -g; id -G; grep -E '^(Uid|Gid|Groups):' /proc/self/status | tr -s '\t ' ' '`,
		fmt.Sprintf("%[1]d\n%[1]d\n%[1]d\nUid: %[1]d %[1]d %[1]d %[1]d\nGid: %[1]d %[1]d %[1]d %[1]d\nGroups:", uid))
	differ(t, `id -un 2>/dev/null || echo nameless`, [3]string{fmt.Sprintf("%d\nnameless", uid), "task", "task"})
}

func TestRights(t *testing.T) {
	same(t, `grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | cut -f2 | tr '\n' ' '`,
		strings.Repeat("0000000000000000 ", 5)+"1 2")
	same(t, `cat /proc/self/oom_score_adj; umask`, "500\n0000")
	same(t, `test "$(cut -d' ' -f6 /proc/$$/stat)" = $$ && test "$(cut -d' ' -f5 /proc/$$/stat)" = $$ && echo leads`, "leads")
}

func TestPlaces(t *testing.T) {
	differ(t, `ls / | tr '\n' ' '`, [3]string{
		strings.TrimSpace(hostRoot(t)),
		"bin dev etc lib lib64 proc sbin tmp usr work",
		"bin dev etc lib lib64 proc sbin tmp usr work",
	})
	differ(t, `ls /usr | tr '\n' ' '`, [3]string{
		"bin games include lib lib64 libexec local sbin share src", "bin games include lib lib64 libexec local sbin share src", "bin lib lib64 libexec",
	})
	differ(t, `pwd | sed 's|octaskly-test/.*|octaskly-test|'; test -w . && test -w /tmp && echo write >file && cat file; ls -A /tmp | wc -l`, [3]string{
		"/var/lib/octaskly-test\nwrite\n0", "/work\nwrite\n0", "/work\nwrite\n0",
	})
	differ(t, `ls /dev | tr '\n' ' '`, [3]string{
		strings.TrimSpace(sh(t, `ls /dev | tr '\n' ' '`)[0]),
		"fd full null random shm stderr stdin stdout urandom zero", "fd full null random stderr stdin stdout urandom zero",
	})
	differ(t, `uname -n; cut -d: -f3 /proc/self/cgroup | tr -d 0-9`, [3]string{"boxes\n/octaskly-test/", "box\n/", "box\n/"})
	same(t, `echo >/dev/null; head -c3 /dev/zero | wc -c; head -c3 /dev/urandom | wc -c; (echo >/dev/full) 2>/dev/null || echo full`, "3\n3\nfull")
}

func hostRoot(t *testing.T) string {
	t.Helper()
	return sh(t, `ls / | tr '\n' ' '`)[0]
}

func TestNetwork(t *testing.T) {
	want := [3]string{"lo: up", "lo: up", "lo: down"}
	script := `for i in $(tail -n+3 /proc/self/net/dev | cut -d: -f1); do printf "$i: "; done
		grep -q 0100007F /proc/self/net/fib_trie 2>/dev/null || grep -q 127.0.0.1 /proc/self/net/fib_trie && echo up || echo down`
	differ(t, script, want)
	results := run(t,
		boxcase.Case{Level: octaskly.LevelStrict, Argv: []string{"sh", "-c", `wc -l </proc/self/net/unix; cat /etc/hosts`}, Network: true},
		boxcase.Case{Level: octaskly.LevelVeryStrict, Argv: []string{"true"}, Network: true})
	if out := results[0].Stdout; results[0].Err != "" || strings.HasPrefix(out, "1\n") || !strings.Contains(out, "localhost") {
		t.Errorf("with the machine's network: %+v", results[0])
	}
	if !strings.Contains(results[1].Err, "has no network") {
		t.Errorf("very-strict with the machine's network: %+v", results[1])
	}
}

func TestLimits(t *testing.T) {
	var cases []boxcase.Case
	for _, level := range levels {
		c := shell(level, `ulimit -Hn; ulimit -Sn; ulimit -Hc; ulimit -Hl; ulimit -Ht; ulimit -Hf; ulimit -Hp; umask
			exec 2>/dev/null; for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait`)
		c.Limits.OpenFiles, c.Limits.Processes, c.Limits.CPUTime, c.Limits.FileSize, c.Umask = 64, 5, 7, 1<<20, 0o027
		cases = append(cases, c)
		big := shell(level, `head -c 2000000 /dev/zero >big; echo $?; stat -c %s big`)
		big.Limits.FileSize = 1 << 20
		cases = append(cases, big)
	}
	for i, r := range run(t, cases...) {
		want := "64 64 0 64 7 2048 5 0027"
		if i%2 == 1 {
			want = "153 1048576"
		}
		if got := strings.Join(strings.Fields(r.Stdout), " "); got != want {
			t.Errorf("%v: %q, want %q: %+v", cases[i].Level, got, want, r)
		}
		if i%2 == 0 && r.Status != 2<<8 { // a shell that cannot fork gives up
			t.Errorf("%v: ten processes where there may be five: %+v", cases[i].Level, r)
		}
	}
}
