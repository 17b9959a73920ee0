package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestBoxesOf(t *testing.T) {
	got := boxesOf(&config.Boxes{AllowHostNetwork: true, OctasklyInit: "/i", FirstUID: 4294901757, DiskPool: config.PoolAuto})
	want := executor.Boxes{Init: "/i", AllowHostNetwork: true, FirstUID: 4294901757, Pool: -1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestFindInit(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(self), "octaskly-init")
	if err := os.WriteFile(beside, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(beside)
	if got := findInit(); got != beside {
		t.Errorf("%q, want %q", got, beside)
	}
	if err := os.Chmod(beside, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := findInit(); got == beside {
		t.Error("a file that cannot be executed is taken for octaskly-init")
	}
}

// The log of a self-test has a line on what is offered and one for each reason
// why something is not, in the order of the checks.
func TestTellSelfTest(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	tellSelfTest(log, slog.LevelWarn, []string{none, octaskly.LimitCPUTime, octaskly.LimitDisk}, []octaskly.Check{
		{Subject: "level:basic", Name: "box", Why: "no root"}, held,
		{Subject: "level:strict", Name: "box", Why: "no root"}, {Subject: "limit:memory", Name: "means", Why: "no cgroup"},
	})
	want := `level=INFO msg="Self-test is done" levels=none limits="cpu-time disk" network_host=false
level=WARN msg="Self-test does not hold" of="level:basic level:strict" check=box why="no root"
level=WARN msg="Self-test does not hold" of=limit:memory check=means why="no cgroup"
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	out.Reset()
	var many []octaskly.Check
	for i := range 100 {
		many = append(many, octaskly.Check{Subject: "level:strict", Name: fmt.Sprint(i)})
	}
	tellSelfTest(log, slog.LevelWarn, nil, many)
	if got := out.String(); strings.Count(got, "\n") != maxFailures+2 || !strings.Contains(got, "more=84\n") {
		t.Errorf("of a hundred failures the log says\n%s", got)
	}
}
