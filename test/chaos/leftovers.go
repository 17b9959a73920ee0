package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long what is to vanish may still be there: a worker that was away
// looks for its dispatcher every ten seconds.
const patience = 20 * time.Second

// await looks until nothing is found, or patience is over, and returns what is
// found then.
func await(look func() ([]string, error)) (found []string, err error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(lookPause) {
		if found, err = look(); err != nil || len(found) == 0 || time.Now().After(deadline) {
			return found, err
		}
	}
}

// marked lists the processes whose command line contains the mark.
func marked(mark string) (found []string, err error) {
	dirs, err := filepath.Glob("/proc/[1-9]*")
	for _, dir := range dirs {
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err == nil && bytes.Contains(line, []byte(mark)) && filepath.Base(dir) != strconv.Itoa(os.Getpid()) {
			found = append(found, fmt.Sprintf("process %s: %s", filepath.Base(dir), bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found, err
}

// slay kills the processes whose command line contains the mark.
func slay(mark string) {
	found, _ := marked(mark)
	for _, line := range found {
		var pid int
		if _, err := fmt.Sscanf(line, "process %d:", &pid); err == nil {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// files lists what is in a directory, and below it, but for directories.
func files(dir string) (found []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			found = append(found, rel)
		}
		return err
	})
	return found, err
}

// stateOf is the state directory of an executor, inside or apart.
func (r *rig) stateOf(worker string) string {
	if slices.Contains(r.fleet.Apart, worker) {
		return filepath.Join(r.cluster.Dir, executorOf(worker))
	}
	return filepath.Join(r.cluster.Dir, worker, "executor")
}

// inputsOf is where a worker keeps the inputs of its tasks.
func (r *rig) inputsOf(worker string) string {
	if slices.Contains(r.fleet.Apart, worker) {
		return filepath.Join(r.cluster.Dir, executorOf(worker), "inputs")
	}
	return filepath.Join(r.cluster.Dir, worker, "inputs")
}

// groups are the cgroups of our executors, as long as these live.
func (r *rig) groups() (paths []string) {
	for _, name := range r.fleet.workers() {
		if text, err := os.ReadFile(filepath.Join(r.stateOf(name), "cgroup")); err == nil {
			paths = append(paths, strings.TrimSpace(string(text)))
		}
	}
	return paths
}

// existing are the paths that are there.
func existing(paths []string) (found []string) {
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil {
			found = append(found, path)
		}
	}
	return found
}

// held lists files that executors keep for attempts: outputs, inputs, and what is
// in workspaces.
func (r *rig) held() (found []string, err error) {
	for _, name := range r.fleet.workers() {
		state := r.stateOf(name)
		for _, dir := range []string{filepath.Join(state, "output"), filepath.Join(state, "work"), r.inputsOf(name)} {
			left, err := files(dir)
			if err != nil {
				return nil, err
			}
			for _, file := range left {
				found = append(found, filepath.Join(dir, file))
			}
		}
	}
	return found, nil
}

// strayOutputs lists the outputs and inputs that the dispatcher keeps and no row
// names, and those that a row names and are not there.
func (r *rig) strayOutputs(all []*history, jobs []*entry) (wrong []string, err error) {
	dir := filepath.Join(r.cluster.Dir, dispatcherName)
	named, needed := map[string]bool{}, map[string]bool{}
	for _, h := range all {
		job, index, _ := strings.Cut(h.Task, ".")
		for _, a := range h.Stored {
			path := fmt.Sprintf("output/%s/%s.%d", job, index, a.Number)
			if index == "" {
				path = fmt.Sprintf("output/%s/0.%d", job, a.Number)
			}
			named[path] = a.Stdout+a.Stderr > 0
			if _, counts := exitOf(&a); counts && h.Want.Stdout > 0 {
				needed[path] = true
			}
		}
	}
	for _, e := range jobs {
		if e.Input != "" {
			named["blobs/"+string(e.Submission.Stdin)] = true
		}
	}
	for _, sub := range []string{"output", "blobs"} {
		there, err := files(filepath.Join(dir, sub))
		if err != nil {
			return nil, err
		}
		for _, file := range there {
			path := filepath.Join(sub, file)
			delete(needed, path)
			if !named[path] {
				wrong = append(wrong, path+" belongs to nobody")
			}
		}
	}
	for path := range needed {
		wrong = append(wrong, path+" is missing")
	}
	slices.Sort(wrong)
	return wrong, nil
}

// Bounds of an idle daemon. Their files are sockets, a database with its readers,
// logs, and for each slot its cgroup.
const (
	maxFiles = 100
	maxRSS   = 150e6 // bytes
)

// size is what a daemon takes up.
type size struct {
	files int
	rss   int64
}

func (s size) String() string {
	return fmt.Sprintf("%d open files, %.0f MB", s.files, float64(s.rss)/1e6)
}

func sizeOf(pid int) (s size, err error) {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return s, err
	}
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return s, err
	}
	var total, resident int64 // pages: proc_pid_statm(5)
	if _, err := fmt.Sscan(string(statm), &total, &resident); err != nil {
		return s, err
	}
	return size{len(open), resident * int64(os.Getpagesize())}, nil
}

// sizes are those of all daemons, by name.
func (r *rig) sizes() (map[string]size, error) {
	all := map[string]size{}
	for name, d := range r.daemons {
		s, err := sizeOf(d.PID())
		if err != nil {
			return nil, fmt.Errorf("cannot measure %s: %w", name, err)
		}
		all[name] = s
	}
	return all, nil
}

// grown says which daemons hold more than when they were new, or too much.
func grown(before, after map[string]size) (wrong []string) {
	for name, now := range after {
		if was := before[name]; now.files > was.files+16 || now.files > maxFiles || now.rss > maxRSS {
			wrong = append(wrong, fmt.Sprintf("%s has %v, and had %v", name, now, was))
		}
	}
	slices.Sort(wrong)
	return wrong
}
