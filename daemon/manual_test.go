package main

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
)

// octasklyd runs the program in this process and returns what it prints.
func octasklyd(t *testing.T, words ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), append([]string{"octasklyd"}, words...), &stdout, &stderr); code != 0 {
		t.Fatalf("octasklyd %q exits with %d: %s", words, code, &stderr)
	}
	return stdout.String()
}

func roffPage(t *testing.T, name string) string {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
	return octasklyd(t, "manual", name)
}

// helpLine is a command or a flag in what --help prints.
var helpLine = regexp.MustCompile(`(?m)^   (\S.*?)(?:  .*)?$`)

// listed are the names in a block of --help, without placeholders.
func listed(help, block string) []string {
	_, rest, _ := strings.Cut(help, block+":\n")
	rest, _, _ = strings.Cut(rest, "\n\n")
	var names []string
	for _, line := range helpLine.FindAllStringSubmatch(rest, -1) {
		for name := range strings.SplitSeq(line[1], ", ") {
			name, _, _ = strings.Cut(name, " ")
			names = append(names, name)
		}
	}
	return names
}

// helps walks the program as a user would: it returns what --help prints for
// each command that does something, and for "", by its words.
func helps(t *testing.T, words ...string) map[string]string {
	t.Helper()
	help := octasklyd(t, append(words, "--help")...)
	below := slices.DeleteFunc(listed(help, "COMMANDS"), func(name string) bool { return name == "help" || name == "h" })
	all := map[string]string{}
	options := listed(help, "OPTIONS")
	if len(below) == 0 || len(words) == 0 || len(options) > 2 { // more than --help: it does something
		all[strings.Join(words, " ")] = help
	}
	for _, name := range below {
		for path, text := range helps(t, append(slices.Clone(words), name)...) {
			all[path] = text
		}
	}
	return all
}

// Every command and every flag of --help is in the page, and no other.
func TestManualIsComplete(t *testing.T) {
	parts := partsOf(roffPage(t, "octasklyd.8"))
	global := tagsIn(parts["OPTIONS"])
	used := map[string]bool{"help": true}
	for path, help := range helps(t) {
		name := partFor(parts, path)
		if name == "" {
			t.Errorf("the page has no part for %q", path)
			continue
		}
		used[name] = true
		want, got := listed(help, "OPTIONS"), tagsIn(parts[name])
		if base := path[strings.LastIndexByte(path, ' ')+1:]; name != path && strings.Contains(parts[name], `\fBoctasklyd `+base+`\fR`) {
			got = append(got, tagsIn(parts[base])...)
		}
		if other := flagsOf.FindStringSubmatch(parts[name]); name == path && other != nil {
			got = append(got, tagsIn(parts[other[1]])...)
		}
		for _, flag := range want {
			if !slices.Contains(got, flag) && !slices.Contains(global, flag) {
				t.Errorf("%s: the page has no %s", name, flag)
			}
		}
		for _, flag := range got {
			if !slices.Contains(want, flag) {
				t.Errorf("%s: there is no %s", name, flag)
			}
		}
	}
	for name := range parts {
		if !used[name] {
			t.Errorf("there is no command %q", name)
		}
	}
}

// flagsOf is a reference to another command.
var flagsOf = regexp.MustCompile(`It takes the flags of \\fBoctasklyd ([a-z ]+)\\fR`)

// partFor names the part of the page about a command: that of "config check"
// tells of "config check worker", too.
func partFor(parts map[string]string, path string) string {
	path = cmp.Or(path, "OPTIONS")
	if _, ok := parts[path]; ok {
		return path
	}
	last := strings.LastIndexByte(path, ' ')
	if last > 0 && strings.Contains(parts[path[:last]], `\fB`+path[last+1:]+`\fR`) {
		return path[:last]
	}
	return ""
}

// partsOf finds the parts of commands, by their first name, and OPTIONS.
func partsOf(page string) map[string]string {
	_, commands, _ := strings.Cut(page, "\n.SH COMMANDS\n")
	commands, rest, _ := strings.Cut(commands, "\n.SH OPTIONS\n")
	options, _, _ := strings.Cut(rest, "\n.SH ")
	parts := map[string]string{"OPTIONS": options}
	for _, part := range strings.Split(commands, "\n.SS ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		name, _, _ := strings.Cut(strings.Trim(title, `"`), ",")
		parts[name] = text
	}
	return parts
}

var tag = regexp.MustCompile(`(?m)^\.TP\n(\\fB\\-.*)`)

func tagsIn(part string) []string {
	var all []string
	for _, found := range tag.FindAllStringSubmatch(part, -1) {
		for name := range strings.SplitSeq(found[1], ", ") {
			name, _, _ = strings.Cut(strings.TrimPrefix(name, `\fB`), `\fR`)
			all = append(all, strings.ReplaceAll(name, `\-`, "-"))
		}
	}
	return all
}

// Every key is explained, with its default, and nothing is said of others.
func TestEveryKeyIsExplained(t *testing.T) {
	page := roffPage(t, "octaskly.toml.5")
	known := map[string]bool{}
	for _, role := range dirs.Roles {
		defaults, err := defaultsOf(role)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range config.Keys(role) {
			known[key] = true
			if !strings.Contains(page, "\n.TP\n\\fB"+key+"\\fR = ") {
				t.Errorf("%s: the page does not explain %q", role, key)
			}
			if quotes := strings.Count(flagHelp[key], "`"); (quotes == 0) != config.IsSwitch(role, key) || quotes > 2 {
				t.Errorf("%s: %q has no help that names its value", role, key)
			}
			if text := defaults[config.FlagName(key)].text; text == `""` || text == "[]" || text == "" {
				t.Errorf("%s: %q has the default %q, which tells nobody anything", role, key, text)
			}
		}
	}
	for _, table := range []map[string]string{flagHelp, keyNotes, hostDefaults} {
		for key := range table {
			if !known[key] {
				t.Errorf("no role has a key %q", key)
			}
		}
	}
}

// The page is the same wherever it is made.
func TestManualIsReproducible(t *testing.T) {
	for name := range manualPages {
		want := roffPage(t, name)
		host, err := os.Hostname()
		if err == nil && len(host) > 3 && strings.Contains(want, host) {
			t.Errorf("%s has this host's name, %s", name, host)
		}
		for _, variable := range []string{"HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "STATE_DIRECTORY", "OCTASKLY_CONFIG_DIR"} {
			t.Setenv(variable, t.TempDir())
		}
		t.Setenv("OCTASKLY_SLOTS", "77")
		t.Setenv("OCTASKLY_SOCKET", "/elsewhere")
		if got := roffPage(t, name); got != want {
			t.Errorf("%s depends on the environment", name)
		}
	}
	for variable, value := range map[string]string{"OCTASKLY_LISTEN": ":1", "OCTASKLY_EXECUTOR": "/executor.sock"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			var stdout, stderr bytes.Buffer
			code := run(context.Background(), []string{"octasklyd", "manual", "octaskly.toml.5"}, &stdout, &stderr)
			if code != exitError || stdout.Len() > 0 || !strings.Contains(stderr.String(), "cannot tell the default of") {
				t.Errorf("it exits with %d, prints %q and says %q", code, &stdout, &stderr)
			}
		})
	}
}

// What the page says of the least and the greatest value is true.
func TestKeyRanges(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	first := regexp.MustCompile(`[1-9]`)
	for _, role := range dirs.Roles {
		for _, key := range config.Keys(role) {
			span, ok := keyRanges[key]
			if !ok {
				continue
			}
			for _, bound := range span {
				if !takes(role, key, bound) {
					t.Errorf("%s %s: %s is refused", role, key, bound)
				}
			}
			at := first.FindStringIndex(span[1])[1]
			if beyond := span[1][:at] + "0" + span[1][at:]; takes(role, key, beyond) {
				t.Errorf("%s %s: %s is taken", role, key, beyond)
			}
			if at := first.FindStringIndex(span[0]); at != nil {
				if below := span[0][:at[0]] + "0" + span[0][at[1]:]; takes(role, key, below) {
					t.Errorf("%s %s: %s is taken", role, key, below)
				}
			}
		}
	}
}

// takes reports whether a key may have a value. What else is wrong is no matter.
func takes(role dirs.Role, key, value string) bool {
	_, err := config.Load(role, config.Sources{File: os.DevNull, Flags: map[string]string{key: value}})
	if err == nil || strings.Contains(err.Error(), "are for boxes alone") { // but for a user of this machine
		return true
	}
	return !strings.Contains(err.Error(), "--"+config.FlagName(key)+": ")
}

// The examples are good configurations, but for users who are missing here.
func TestConfigExamples(t *testing.T) {
	for role, example := range map[dirs.Role]string{dirs.Dispatcher: dispatcherExample, dirs.Worker: workerExample, dirs.Executor: executorExample} {
		file := t.TempDir() + "/example.toml"
		if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(role, config.Sources{File: file}); err != nil && strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestManualUsage(t *testing.T) {
	for _, words := range [][]string{{}, {"octasklyctl.1"}, {"octasklyd.8", "octaskly.toml.5"}} {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), append([]string{"octasklyd", "manual"}, words...), &stdout, &stderr); code != exitUsage || stdout.Len() > 0 {
			t.Errorf("%q exits with %d and prints %q", words, code, &stdout)
		}
	}
}

func TestManualLint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("there is no mandoc, which would look for mistakes in the pages: apt-get install mandoc")
	}
	for name := range manualPages {
		cmd := exec.Command(mandoc, "-T", "lint")
		cmd.Stdin = strings.NewReader(roffPage(t, name))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("mandoc on %s: %v\n%s", name, err, out)
		}
	}
}
