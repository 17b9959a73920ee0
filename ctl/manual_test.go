package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// roffPage is the page's source.
func roffPage(t *testing.T) string {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
	page, err := (&session{}).manualPage()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := page.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var flagsFrom = regexp.MustCompile(`It takes the flags of \\fBoctasklyctl ([a-z ]+)\\fR`)

// Every command has a part of the page, with its flags and no others.
func TestManualIsComplete(t *testing.T) {
	app := (&session{}).app()
	parts := partsOf(roffPage(t))
	want := map[string][]string{"OPTIONS": flagTags(append([]cli.Flag{helpFlag}, app.Flags...))}
	for _, cmd := range leaves(app.Commands) {
		if !cmd.Hidden {
			want[pathTo(app.Commands, cmd)] = flagTags(cmd.Flags)
		}
	}
	for name, flags := range want {
		part, ok := parts[name]
		if !ok {
			t.Errorf("the page has no part %q", name)
			continue
		}
		got := tagsIn(part)
		for _, base := range flagsFrom.FindAllStringSubmatch(part, -1) {
			got = append(got, tagsIn(parts[base[1]])...)
		}
		slices.Sort(got)
		if !slices.Equal(got, flags) {
			t.Errorf("%s: the page has flags %q, and there are %q", name, got, flags)
		}
	}
	for name := range parts {
		if _, ok := want[name]; !ok {
			t.Errorf("there is no %q", name)
		}
	}
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

func flagTags(flags []cli.Flag) []string {
	var all []string
	for _, flag := range flags {
		for _, name := range flag.Names() {
			all = append(all, dashed(name))
		}
	}
	slices.Sort(all)
	return all
}

func pathTo(commands []*cli.Command, leaf *cli.Command) string {
	for _, cmd := range commands {
		if cmd == leaf {
			return cmd.Name
		}
		if below := pathTo(cmd.Subcommands, leaf); below != "" {
			return cmd.Name + " " + below
		}
	}
	return ""
}

// A shell understands every example, and so does octasklyctl.
func TestManualExamplesAreUnderstood(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash, which takes the examples apart")
	}
	app := (&session{}).app()
	scripts := regexp.MustCompile(`(?s)    (?:octasklyctl|id=).*?\n\n`).FindAllString(manualExamples+"\n", -1)
	for _, cmd := range leaves(app.Commands) {
		scripts = append(scripts, cmd.UsageText)
	}
	for _, script := range scripts {
		for _, argv := range argvs(t, bash, script) {
			if _, err := readLine(app, argv); err != nil {
				t.Errorf("%q is refused: %v", argv, err)
			}
		}
	}
}

// argvs lists with what a script would call octasklyctl. It calls nothing.
func argvs(t *testing.T, bash, script string) [][]string {
	t.Helper()
	calls := t.TempDir() + "/calls"
	cmd := exec.Command(bash, "-c", `octasklyctl() { printf '%s\037' "$@" >> "$CALLS"; echo >> "$CALLS"; }
jq() { :; }
`+script)
	var complaints bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), []string{"CALLS=" + calls, "PATH="}, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("bash on %q: %v: %s", script, err, &complaints)
	}
	lines, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(lines)) {
		all = append(all, strings.Split(strings.TrimSuffix(line, "\x1f\n"), "\x1f"))
	}
	return all
}

// The command is there for whoever knows it, and nobody is told of it.
func TestManualIsHidden(t *testing.T) {
	d := serve(t, newFake())
	if got := d.ctl("manual"); got.code != 0 || !strings.HasPrefix(got.stdout, `.\" The manual page octasklyctl(1)`) || got.stderr != "" {
		t.Errorf("octasklyctl manual: %d, %q, %.200q", got.code, got.stderr, got.stdout)
	}
	for _, words := range [][]string{{"--help"}, {completeFlag}, {"man", completeFlag}} {
		if got := d.ctl(words...); strings.Contains(got.stdout, "manual") {
			t.Errorf("%q tells of it", words)
		}
	}
	if got := d.ctl("manual", "x"); got.code != exitUsage || got.stdout != "" {
		t.Errorf("with a word too many: %v", got)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	if got := d.ctl("manual"); got.code != exitUsage || got.stdout != "" {
		t.Errorf("with a date that is none: %v", got)
	}
}

func TestManualLint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("there is no mandoc, which would look for mistakes in the page: apt-get install mandoc")
	}
	cmd := exec.Command(mandoc, "-T", "lint")
	cmd.Stdin = strings.NewReader(roffPage(t))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}
