package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// manuals are the pages as the programs print them, in plain dashes.
func manuals(t *testing.T) map[string]string {
	t.Helper()
	programs, err := cluster.Build()
	check(t, err)
	plain := strings.NewReplacer(`\-`, "-", `\fB`, "", `\fI`, "", `\fR`, "", `\&`, "")
	return map[string]string{
		"octasklyctl(1)":   plain.Replace(tool(t, nil, programs.Ctl, "manual")),
		"octasklyd(8)":     plain.Replace(tool(t, nil, programs.Daemon, "manual", "octasklyd.8")),
		"octaskly.toml(5)": plain.Replace(tool(t, nil, programs.Daemon, "manual", "octaskly.toml.5")),
	}
}

var (
	flagTag = regexp.MustCompile(`(?m)^\.TP\n(-.*)`)
	aFlag   = regexp.MustCompile(`(?:^|[^-\w])(--[a-z][a-z0-9-]*)`)
)

// foreign are flags of other programs that our texts name.
var foreign = []string{"--now", "--permanent", "--add-service", "--reload", "--cacert", "--unix-socket", "--seed"}

// Every flag that a manual, the README or an example names is there: pages tell of
// each flag of each command (TestManualIsComplete of both programs), so it stands in one.
func TestFlagsInTextsExist(t *testing.T) {
	texts := manuals(t)
	known := slices.Clone(foreign)
	for _, page := range texts {
		for _, tag := range flagTag.FindAllStringSubmatch(page, -1) {
			for _, name := range aFlag.FindAllStringSubmatch(tag[1], -1) {
				known = append(known, name[1])
			}
		}
	}
	if len(known) < 80 {
		t.Fatalf("the pages have flags %q and no more", known)
	}
	for _, path := range []string{"../README.md", "../CONTRIBUTING.md", "../ARCHITECTURE.md"} {
		texts[path] = string(readFile(t, path))
	}
	for _, dir := range []string{"../contrib", "../packaging/etc"} {
		check(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				texts[path] = string(readFile(t, path))
			}
			return err
		}))
	}
	for where, text := range texts {
		for _, name := range aFlag.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(known, name[1]) {
				t.Errorf("%s: no program of ours has the flag %s", where, name[1])
			}
		}
	}
}

var aVariable = regexp.MustCompile(`"(OCTASKLY_[A-Z_]+)"`)

// inward are variables that pass between our own processes, or are for us alone.
var inward = []string{"OCTASKLY_HANDOVER", "OCTASKLY_HANDOVER_STATE", "OCTASKLY_TERMINAL_KEEPER", "OCTASKLY_CPUPROFILE"}

// Every variable that a program reads by its name is in a manual.
func TestVariablesAreInTheManuals(t *testing.T) {
	pages, found := manuals(t), 0
	for _, f := range tree(t) {
		if f.test || strings.HasPrefix(f.pkg, "test") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", f.path))
		check(t, err)
		for _, name := range aVariable.FindAllStringSubmatch(string(text), -1) {
			found++
			if !slices.Contains(inward, name[1]) && !strings.Contains(pages["octasklyctl(1)"]+pages["octasklyd(8)"]+pages["octaskly.toml(5)"], name[1]) {
				t.Errorf("%s: no manual tells of %s", f.path, name[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("there are %d variables", found)
	}
}
