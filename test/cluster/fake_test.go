package cluster

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also both programs: the fakes are links to this binary.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "octasklyd":
		syscall.Exit(fakeDaemon(os.Args[1:])) // at once: under the race detector, os.Exit sleeps
	case "octasklyctl":
		syscall.Exit(fakeCtl(os.Args[1:]))
	}
	goleak.VerifyTestMain(tests{m})
}

type tests struct{ *testing.M }

func (t tests) Run() int { return Main(t.M) }

// fakeDaemon is told by flags how to behave; besides, it prints its environment
// and arguments.
func fakeDaemon(args []string) int {
	has := func(flag string) bool { return slices.Contains(args, flag) }
	value := func(flag string) string { return args[slices.Index(args, flag)+1] }
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)

	fmt.Println("args:", args)
	fmt.Println("env:", os.Environ())
	status := "connected to " + "its dispatcher"
	if args[0] == "dispatcher" {
		ln, err := net.Listen("tcp", value("--listen"))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		defer ln.Close()
		status = "listening on " + ln.Addr().String()
	}
	if has("--broken") {
		fmt.Println("this one is broken")
		return 3
	}
	if has("--leave") {
		fakeLeave()
	}
	if !has("--silent") {
		notify("STATUS=starting")
		notify("STATUS=" + status + "\nREADY=1\n")
	}
	for range 1000 { // far more than a socket that nobody reads holds
		notify("STATUS=" + strings.Repeat("busy", 100))
	}
	<-terminated
	if has("--grumble") {
		return 5
	}
	return 0
}

// fakeLeave starts a process that outlives this one.
func fakeLeave() {
	if err := exec.Command("sleep", "1000").Start(); err != nil {
		panic(err)
	}
}

func notify(text string) {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		panic(err)
	}
}

// fakeCtl tells how it was called, and exits with 7.
func fakeCtl(args []string) int {
	if slices.Equal(args, []string{"hang"}) {
		<-time.After(time.Hour) // select {} would be a deadlock, and end
	}
	dir, _ := os.Getwd()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"args": args, "dir": dir, "socket": os.Getenv("OCTASKLY_SOCKET")})
	fmt.Fprintln(os.Stderr, "talk")
	return 7
}

// fakes makes this process use the fakes.
func fakes(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"octasklyd", "octasklyctl"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	forget := func() {
		if err := Clean(); err != nil {
			t.Fatal(err)
		}
	}
	forget()
	t.Cleanup(forget)
	t.Setenv(BinVar, dir)
}
