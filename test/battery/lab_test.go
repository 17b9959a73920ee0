package battery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/battery/row"
	"github.com/octaskly/octaskly/test/vm"
)

const (
	// setting bounds the installation.
	setting = 10 * time.Minute
	// patience bounds the battery. Each row has a bound of its own.
	patience = 40 * time.Minute
)

// battle is a machine with the package, where rows can be tried.
func battle(t *testing.T) *vm.Machine {
	t.Helper()
	vm.Enabled(t)
	dir := t.TempDir()
	deb := build(t, dir)
	m := vm.Boot(t, vm.Options{Name: "battery", Tools: true, Memory: 1536})
	ctx, cancel := context.WithTimeout(t.Context(), setting)
	defer cancel()
	vm.Must(t, m.Put(ctx, deb, "/root/octaskly.deb", 0o644))
	vm.Must(t, m.Put(ctx, filepath.Join(dir, "driver"), "/root/driver", 0o755))
	vm.Must(t, m.Put(ctx, filepath.Join(dir, "attack"), "/usr/bin/octaskly-attack", 0o755))
	vm.Must(t, m.Put(ctx, "site.sh", "/root/site.sh", 0o755))
	vm.Must(t, m.Shell(ctx, "/root/site.sh"))
	vm.Must(t, m.Await(ctx, "octasklyctl worker ls | grep -w connected"))
	return m
}

// build builds the package and our programs, and returns the .deb.
func build(t *testing.T, dir string) (deb string) {
	t.Helper()
	for _, argv := range [][]string{
		{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", dir + "/", "./test/battery/driver", "./test/battery/attack"},
		{"packaging/build.sh"},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "DIST="+dir, "VERSION=2.0.0", "SOURCE_DATE_EPOCH=1700000000")
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cannot build: %v\n%s", err, said)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("cannot find one package: %v, %v", found, err)
	}
	return found[0]
}

// try tries rows one after the other and yields each as it is through.
func try(t *testing.T, m *vm.Machine, rows []row.Row, yield func(*row.Row, *row.Result)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience+setting)
	defer cancel()
	stdin, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	c := m.Command(ctx, "timeout", strconv.Itoa(int(patience.Seconds())), "/root/driver")
	results := make(lines, len(rows)+1) // as many as there can be: the machine is not to wait
	c.Stdin, c.Stdout = bytes.NewReader(stdin), &lineWriter{lines: results}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		var result row.Result
		if err := json.Unmarshal(next(c, results), &result); err != nil {
			t.Fatalf("row %q has no result: %v\n%v\n%s", rows[i].Name, err, c.Wait(), journal(t, m))
		}
		yield(&rows[i], &result)
	}
	if r := c.Wait(); r.Code != 0 {
		t.Error(r)
	}
}

// next waits for a line; there is none more where the command has ended.
func next(c *vm.Command, lines lines) []byte {
	select {
	case line := <-lines:
		return line
	case <-c.Exited():
	}
	select {
	case line := <-lines:
		return line
	default:
		return nil
	}
}

type lines chan []byte

// lineWriter passes on whole lines.
type lineWriter struct {
	lines
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		w.lines <- bytes.Clone(line)
		w.rest = rest
	}
}

func journal(t *testing.T, m *vm.Machine) string {
	ctx, cancel := context.WithTimeout(t.Context(), setting)
	defer cancel()
	return fmt.Sprint(m.Shell(ctx, "journalctl -q -n 20 -k; journalctl -q -n 20 -p warning -u 'octaskly*'"))
}
