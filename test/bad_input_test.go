package test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// post sends a submission as no octasklyctl would, and returns the answer.
func post(t *testing.T, c *cluster.Cluster, body string) (status int, failure api.Error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", c.Socket()) },
	}}
	defer client.CloseIdleConnections()
	response, err := client.Post("http://octaskly/api/v1/tasks", "application/json", strings.NewReader(body))
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	var answer struct{ Error api.Error }
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return response.StatusCode, answer.Error
}

// What the API is sent is checked at the door: the field, the reason, and
// nothing is left of it.
func TestBadSubmissions(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	long := strings.Repeat("x", octaskly.MaxArg+1)
	for _, test := range []struct{ name, body, field, message string }{
		{"empty command", `{"argv":[]}`, "command", "it is missing"},
		{"empty name", `{"argv":[""]}`, "command", "its name is empty"},
		{"NUL", `{"argv":["echo","a\u0000b"]}`, "argument 1 of the command", "it contains a NUL byte"},
		{"long argument", `{"argv":["echo","` + long + `"]}`, "argument 1 of the command", "it has 131072 bytes, Linux allows 131071"},
		{"2 MiB of arguments", `{"argv":["echo"` + strings.Repeat(`,"`+long[:100_000]+`"`, 21) + `]}`, "command", "1048576 are allowed"},
		{"unknown field", `{"argv":["true"],"colour":"red"}`, "colour", ""},
		{"array", `{"argv":["true"],"array":"9-1"}`, "array", "it ends before it begins"},
		{"too many elements", `{"argv":["true"],"array":"0-99999999"}`, "array", "10000000"},
		{"environment", `{"argv":["true"],"env":["X"]}`, "env", "is not NAME=value"},
		{"relative cwd", `{"argv":["true"],"cwd":"x"}`, "cwd", "is not absolute"},
		{"timeout", `{"argv":["true"],"timeout":-1}`, "timeout", ""},
		{"input that was not uploaded", `{"argv":["true"],"stdin":"` + strings.Repeat("0", 64) + `"}`, "stdin", "its bytes have not been uploaded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, failure := post(t, c, test.body)
			if status != 400 || failure.Kind != "bad-input" || failure.Field != test.field || !strings.Contains(failure.Message, test.message) {
				t.Errorf("%d %+v, want field %q and …%s…", status, failure, test.field, test.message)
			}
		})
	}
	if ls := must(t, c, "ls", "-a", "-o", "quiet"); ls != "" {
		t.Errorf("something was accepted: %q", ls)
	}
}

// Words that octasklyctl or a worker refuses.
func TestBadCommands(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	check(t, os.WriteFile(plain, []byte("no program"), 0o644))
	noShebang := filepath.Join(dir, "noshebang")
	check(t, os.WriteFile(noShebang, []byte("echo hi"), 0o755))
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"run", "--", "octaskly-no-such-program"}, 127, `"octaskly-no-such-program" was not found on worker "w1"`},
		{[]string{"run", "--", plain}, 126, "not executable"},
		{[]string{"run", "--", noShebang}, 126, "#!/bin/sh"},
		{[]string{"run", "--", dir}, 126, "directory"},
		{[]string{"run", "--cwd", "/octaskly/nowhere", "--", "true"}, 125, "files do not travel by themselves"},
		{[]string{"run"}, 2, "--"},
		{[]string{"run", "--array", "9-1", "--", "true"}, 2, "it ends before it begins"},
		{[]string{"run", "--timeout", "soon", "--", "true"}, 2, "--timeout"},
		{[]string{"run", "--memory", "lots", "--", "true"}, 2, "--memory"},
		{[]string{"run", "--env", "=x", "--", "true"}, 2, "env"},
		{[]string{"run", "--tiemout", "5s", "--", "true"}, 2, "did you mean --timeout?"},
		{[]string{"sumbit"}, 2, "submit"},
		{[]string{"show", "99"}, 66, "99"},
		{[]string{"show", "4x"}, 2, "4x"},
		{[]string{"wait", "1.5"}, 66, "1.5"},
		{[]string{"ls", "--socket", "/nowhere/s"}, 69, "octasklyd dispatcher"},
		{[]string{"ls", "--socket", "/" + strings.Repeat("s", 120)}, 69, "107"},
	} {
		r := c.Ctl(timeout(t), test.args...)
		if r.Code != test.code || !strings.Contains(r.Stderr, test.want) || r.Stdout != "" {
			t.Errorf("octasklyctl %s: %+v\nwant %d and …%s…", strings.Join(test.args, " "), r, test.code, test.want)
		}
	}
}

// A full disk refuses new work with a clear error, loses nothing, and when there
// is room again the dispatcher goes on by itself.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may mount a small disk, in a mount namespace of the test's own")
	}
	programs, err := cluster.Build()
	check(t, err)
	dir := t.TempDir()
	socket, disk := filepath.Join(dir, "s"), filepath.Join(dir, "disk")
	check(t, os.Mkdir(disk, 0o700))
	filled, freed := filepath.Join(dir, "filled"), filepath.Join(dir, "freed")
	for _, path := range []string{filled, freed} {
		mkfifo(t, path)
	}
	// The shell stays beside the daemon to fill the disk, which nobody else sees.
	script := `set -e
		mount -t tmpfs -o size=4m octaskly "$1"
		"$2" dispatcher --state-dir "$1/state" --socket "$3" --listen 127.0.0.1:0 & daemon=$!
		trap 'kill $daemon; wait' EXIT
		read go < "$4"; dd if=/dev/zero of="$1/ballast" bs=4k 2> /dev/null || true; echo done > "$4"
		read go < "$5"; rm "$1/ballast"; echo done > "$5"
		read go < "$4"`
	shell := exec.CommandContext(timeout(t), "sh", "-c", script, "sh", disk, programs.Daemon, socket, filled, freed)
	shell.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "OCTASKLY_CONFIG_DIR=" + dir}
	shell.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	shell.Stderr = testWriter{t}
	check(t, shell.Start())
	ctl := func(args ...string) (string, int) {
		cmd := exec.CommandContext(timeout(t), programs.Ctl, append([]string{"--socket", socket}, args...)...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	awaitSocket(t, socket)
	payload := strings.Repeat("x", 100_000)
	if out, code := ctl("submit", "--", "echo", payload); code != 0 || out != "1\n" {
		t.Fatalf("exit code %d: %s", code, out)
	}
	tell(t, filled)
	readFifo(t, filled)
	refused := false
	for range 20 {
		out, code := ctl("submit", "--", "echo", payload)
		if refused = code != 0; refused {
			if code != 69 || !strings.Contains(out, "the disk is full") {
				t.Errorf("exit code %d: %s", code, out)
			}
			break
		}
	}
	if !refused {
		t.Error("a full disk accepts everything")
	}
	before, _ := ctl("ls", "-a", "-o", "quiet")
	tell(t, freed)
	readFifo(t, freed)
	awaitSuccess(t, func() bool { _, code := ctl("submit", "--name", "after", "--", "true"); return code == 0 })
	after, _ := ctl("ls", "-a", "-o", "quiet")
	if !strings.HasSuffix(after, before) || !strings.Contains(before, "1\n") {
		t.Errorf("before: %q, after: %q", before, after)
	}
	tell(t, filled)
	shell.Wait()
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
