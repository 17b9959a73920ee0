// Try shows octaskly at work: `make try`. It builds the programs, starts a
// dispatcher and two workers in a scratch directory, sums up every file of
// /usr/bin as one array job, checks the sums, and cleans up.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/test/cluster"
)

const directory = "/usr/bin"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := try(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "try:", err)
		os.Exit(1)
	}
}

func try(ctx context.Context) (err error) {
	say("Building octasklyd and octasklyctl")
	defer cluster.Clean()
	c, err := cluster.New(cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()

	say("Starting a dispatcher and two workers below %s", c.Dir)
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, d := range []*cluster.Daemon{c.Dispatcher, c.Worker("w1"), c.Worker("w2")} {
		if err := d.Start(starting); err != nil {
			return fmt.Errorf("%w\n%s", err, c.Logs())
		}
	}
	if err := ctl(ctx, c, os.Stdout, "worker", "ls"); err != nil {
		return err
	}
	if err := ctl(ctx, c, os.Stdout, "run", "--", "uname", "-a"); err != nil {
		return err
	}
	if err := checksums(ctx, c); err != nil {
		return err
	}
	if err := ctl(ctx, c, os.Stdout, "ls"); err != nil {
		return err
	}
	say("Done; removing everything again")
	return nil
}

// checksums runs one task for each file and checks what comes back.
func checksums(ctx context.Context, c *cluster.Cluster) error {
	files, err := list(directory)
	if err != nil {
		return err
	}
	items := filepath.Join(c.Dir, "files")
	if err := os.WriteFile(items, []byte(strings.Join(files, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	sums, err := os.Create(filepath.Join(c.Dir, "sums"))
	if err != nil {
		return err
	}
	defer sums.Close()
	began := time.Now()
	err = ctl(ctx, c, sums, "run", "--name", "checksums", "--each-line", items, "--shell", `sha256sum "$OCTASKLY_ITEM"`)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if _, err := sums.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := compare(sums, files); err != nil {
		return err
	}
	say("%d checksums in %.1f s, %.0f a second; all of them are right", len(files), took.Seconds(), float64(len(files))/took.Seconds())
	return nil
}

// list names the files of a directory that can be read and are not links.
func list(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if f, err := os.Open(path); err == nil && e.Type().IsRegular() && !strings.ContainsAny(path, "\n\\") {
			files = append(files, path)
			f.Close()
		}
	}
	return files, nil
}

// compare holds the sums that came back, one for each file in its order,
// against our own.
func compare(sums io.Reader, files []string) error {
	lines := bufio.NewScanner(sums)
	for _, path := range files {
		if !lines.Scan() {
			return fmt.Errorf("the sum of %s is missing", path)
		}
		own, err := sum(path)
		if err != nil {
			return err
		}
		if want := own + "  " + path; lines.Text() != want {
			return fmt.Errorf("the sum that came back is %q, want %q", lines.Text(), want)
		}
	}
	if lines.Scan() {
		return fmt.Errorf("%q came back and was not asked for", lines.Text())
	}
	return lines.Err()
}

func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ctl shows a command and runs it.
func ctl(ctx context.Context, c *cluster.Cluster, stdout io.Writer, args ...string) error {
	words := make([]string, len(args))
	for i, arg := range args {
		if words[i] = strings.ReplaceAll(arg, c.Dir+"/", ""); strings.ContainsAny(arg, " $\"") {
			words[i] = "'" + words[i] + "'"
		}
	}
	fmt.Printf("\n$ octasklyctl %s\n", strings.Join(words, " "))
	cmd := c.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("octasklyctl %s: %w\n%s", args[0], err, c.Logs())
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf("\n# "+format+"\n", args...) }
