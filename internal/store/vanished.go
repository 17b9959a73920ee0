package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// vanished says why a database that is missing or empty is no new one: something
// beside it was there with another.
func vanished(path string) (why string) {
	how := "empty"
	if info, err := os.Lstat(path); err != nil {
		how = "missing"
	} else if info.Size() > 0 {
		return ""
	}
	var traces []string
	for _, name := range []string{idsFile(path), path + "-wal"} {
		if info, err := os.Lstat(name); err == nil && info.Size() > 0 {
			traces = append(traces, filepath.Base(name))
		}
	}
	for _, tree := range []string{"blobs", "output"} {
		if filled(filepath.Join(filepath.Dir(path), tree)) {
			traces = append(traces, tree)
		}
	}
	if all, _ := damaged(path); len(all) > 0 {
		traces = append(traces, filepath.Base(all[len(all)-1]))
	}
	if len(traces) == 0 {
		return ""
	}
	return fmt.Sprintf("it is %s, and what lies beside it tells that there was one: %s", how, strings.Join(traces, ", "))
}

func filled(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	names, _ := f.Readdirnames(1)
	return len(names) > 0
}

// highestOutput is the highest id of a job of which output is in files.
func highestOutput(dir string) (id octaskly.JobID) {
	entries, _ := os.ReadDir(filepath.Join(dir, "output")) // where there is none, that is no matter
	for _, e := range entries {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err == nil && n <= int64(lastID) {
			id = max(id, octaskly.JobID(n))
		}
	}
	return id
}
