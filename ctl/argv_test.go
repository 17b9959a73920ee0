package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func testApp() *cli.App { return new(session).app() }

func TestReadLine(t *testing.T) {
	tests := []struct {
		argv string // words, divided by spaces; ~ is the empty word
		want string // what cli gets after the program's name, or the error
	}{
		{"ls", "ls --"},
		{"", "--"},
		{"ls -a", "ls --all=true --"},
		{"-a ls", "ls --all=true --"},
		{"-o json ls", "--output=json ls --"},
		{"ls -o json", "--output=json ls --"},
		{"ls -ojson", "--output=json ls --"},
		{"ls -o=json", "--output=json ls --"},
		{"ls -aojson", "--output=json ls --all=true --"},
		{"ls -ao json --limit=3", "--output=json ls --all=true --limit=3 --"},
		{"--output json --limit 3 ls --state failed --state queued", "--output=json ls --limit=3 --state=failed --state=queued --"},
		{"ps", "ls --"},
		{"worker ls -o json", "--output=json worker ls --"},
		{"worker -o json ls", "--output=json worker ls --"},
		{"-o json worker ls", "--output=json worker ls --"},

		{"cancel 42 --reason no 43", "cancel --reason=no -- 42 43"},
		{"cancel 42 --reason= 43", "cancel --reason= -- 42 43"},
		{"cancel 42 --reason ~ 43", "cancel --reason= -- 42 43"},
		{"cancel --reason -x 42", "cancel --reason=-x -- 42"},
		{"cancel --reason a=b 42", "cancel --reason=a=b -- 42"},
		{"--reason no kill 42", "cancel --reason=no -- 42"},
		{"logs 42 -f", "logs --follow=true -- 42"},
		{"logs --follow=false 42", "logs --follow=false -- 42"},
		{"logs -- -f", "logs -- -f"},
		{"logs 42 -- --tail 3", "logs -- 42 --tail 3"},
		{"show -- --", "show -- --"},
		{"signal 42 9 -- -3", "signal -- 42 9 -3"},
		{"-- ls", "ls --"},
		{"-- cancel -- 3", "cancel -- -- 3"},

		{"run uname -a", "run -- uname -a"},
		{"run -- uname -a", "run -- uname -a"},
		{"run --merge uname --merge -o json", "run --merge=true -- uname --merge -o json"},
		{"run -o json uname -o table", "--output=json run -- uname -o table"},
		{"--timeout 5 run x", "run --timeout=5 -- x"},
		{"run --timeout 5 -- x -- y", "run --timeout=5 -- x -- y"},
		{"run -- -- y", "run -- -- y"},
		{"run -- --help", "run -- --help"},
		{"run - x", "run -- - x"},
		{"run ~ x", "run --  x"},
		{"run help", "run -- help"},
		{"run ls --nosuch", "run -- ls --nosuch"},
		{"submit --env A=1,2 --env B -- x", "submit --env=A=1,2 --env=B -- x"},
		{"submit --wait x --wait", "submit --wait=true -- x --wait"},
		{"-- run x --help", "run -- x --help"},

		{"lss", `unknown command "lss"; did you mean ls?`},
		{"zzz", `unknown command "zzz"`},
		{"worker lss", `unknown command "lss" of worker; did you mean ls?`},
		{"run --tiemout 5 x", "unknown flag --tiemout; did you mean --timeout?"},
		{"--tiemout 5 run x", "unknown flag --tiemout; did you mean --timeout?"},
		{"run -timeout 5 x", "unknown flag -timeout; did you mean --timeout?"},
		{"run -timeout=5 x", "unknown flag -timeout; did you mean --timeout?"},
		{"run -z x", "unknown flag -z"},
		{"ls -az", "unknown flag -z"},
		{"ls --x", "unknown flag --x"},
		{"ls --=x", "unknown flag --"},
		{"ls ---all", "unknown flag ---all; did you mean --all?"},
		{"kill -9 42", "unknown flag -9"},
		{"ls --tail 3", "unknown flag --tail"},
		{"--tail 3 ls", "unknown flag --tail"},
		{"run --name", "flag --name needs a value"},
		{"ls -o", "flag -o needs a value"},
		{"run --name --merge x", "flag --name needs a value"},
		{"run --name -- x", "flag --name needs a value"},
		{"run --name --nosuch x", "run --name=--nosuch -- x"},
		{"run --name=--merge x", "run --name=--merge -- x"},
		{"run --merge=maybe x", `flag --merge takes no value, and "maybe" is neither true nor false`},
		{"ls -a=maybe", `flag -a takes no value, and "maybe" is neither true nor false`},
	}
	for _, tt := range tests {
		argv := strings.Fields(tt.argv)
		for i := range argv {
			argv[i] = strings.ReplaceAll(argv[i], "~", "")
		}
		app := testApp()
		line, err := readLine(app, argv)
		got := strings.Join(line.args(app)[1:], " ")
		if err != nil {
			got = err.Error()
			if !isUsage(err) {
				t.Errorf("%q: the error is of no usage", tt.argv)
			}
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.argv, got, tt.want)
		}
	}
}

func TestReadLineHelp(t *testing.T) {
	for argv, want := range map[string]string{
		"--help": "", "-h": "", "help": "", "run --help": "run", "run -h x --help": "run", "help run": "run",
		"worker ls -h": "worker ls", "help worker ls": "worker ls", "-h worker": "worker", "ls --help --all": "ls",
	} {
		line, err := readLine(testApp(), strings.Fields(argv))
		if err != nil || !line.help || line.name() != want {
			t.Errorf("%q: help %v for %q, %v; want it for %q", argv, line.help, line.name(), err, want)
		}
	}
	for _, argv := range []string{"run x --help", "run -- --help", "ls", "run help"} {
		if line, err := readLine(testApp(), strings.Fields(argv)); err != nil || line.help {
			t.Errorf("%q: help %v, %v", argv, line.help, err)
		}
	}
}

func TestReadLineHints(t *testing.T) {
	for argv, want := range map[string]string{
		"kill -9 42":               "octasklyctl signal ID 9 sends a signal; octasklyctl cancel ID ends a task",
		"cancel -KILL 42":          "octasklyctl signal ID KILL sends a signal; octasklyctl cancel ID ends a task",
		"ls --tail 3":              "--tail is a flag of octasklyctl logs",
		"run -la /":                "flags of the command to run come after its name: octasklyctl run -- COMMAND -la",
		"worker ls --nosuch":       "octasklyctl worker ls --help lists its flags",
		"--nosuch":                 "octasklyctl COMMAND --help lists the flags of a command",
		"uname -a":                 "octasklyctl --help lists the commands; octasklyctl run -- uname runs one on a worker",
		"worker list":              "octasklyctl worker --help lists its commands",
		"run --name --timeout=5 x": "write --name=--timeout=5 if that is its value",
	} {
		_, err := readLine(testApp(), strings.Fields(argv))
		if got := hintFor(err); got != want {
			t.Errorf("%q: hint %q, want %q", argv, got, want)
		}
	}
}

// Flags may come before the command's name, so what a flag takes must not
// depend on the command.
func TestFlagsMeanTheSameEverywhere(t *testing.T) {
	app := testApp()
	takes := map[string]bool{}
	check := func(where string, flags []cli.Flag) {
		for _, flag := range flags {
			value := flag.(cli.DocGenerationFlag).TakesValue()
			for _, name := range flag.Names() {
				if before, seen := takes[name]; seen && before != value {
					t.Errorf("%s of %s takes a value there and not elsewhere, or the other way round", dashed(name), where)
				}
				takes[name] = value
			}
		}
	}
	check("all commands", append(app.Flags, helpFlag))
	for _, cmd := range leaves(app.Commands) {
		for _, flag := range cmd.Flags {
			for _, name := range flag.Names() {
				if findFlag(app.Flags, name) != nil || findFlag([]cli.Flag{helpFlag}, name) != nil {
					t.Errorf("%s of %s hides the flag of all commands", dashed(name), cmd.Name)
				}
			}
		}
		check(cmd.Name, cmd.Flags)
	}
}

func TestHelpIsThere(t *testing.T) {
	var check func(commands []*cli.Command)
	check = func(commands []*cli.Command) {
		for _, cmd := range commands {
			if cmd.Usage == "" || cmd.Description == "" || cmd.ArgsUsage == "" {
				t.Errorf("%s lacks a part of its help", cmd.Name)
			}
			if len(cmd.Subcommands) == 0 && !strings.Contains(cmd.UsageText, "octasklyctl "+cmd.Name) && !strings.Contains(cmd.UsageText, " "+cmd.Name) {
				t.Errorf("%s has no example", cmd.Name)
			}
			check(cmd.Subcommands)
		}
	}
	check(testApp().Commands)
}

// What readLine lets through, cli understands, and as it was meant.
func FuzzReadLine(f *testing.F) {
	for _, seed := range []string{
		"ls\n-a", "run\n--name\nx\n--\ny\n--help", "-ojson\nworker\nls", "cancel\n1\n--reason=\n2", "submit\n--env\n A =\n-",
		"--\nrun\n--\n--", "logs\n-f\n--tail=3\n--\n-4", "run\n--env=sl:::[]", "help\nrun", "-o", "--version", "run\n\xff\n\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		argv := strings.Split(text, "\n")
		app := testApp()
		line, err := readLine(app, argv)
		if err != nil {
			if !isUsage(err) || err.Error() == "" {
				t.Fatalf("%q: %v is no error of usage", argv, err)
			}
			return
		}
		cmd := line.leaf()
		if line.help || cmd == nil || len(cmd.Subcommands) > 0 {
			return
		}
		var got []string
		ran := false
		cmd.Action = func(c *cli.Context) error {
			ran = true
			got = c.Args().Slice()
			for _, use := range line.uses {
				flag := findFlag(cmd.Flags, use.name)
				if _, slice := flag.(*cli.StringSliceFlag); slice && !slices.Contains(c.StringSlice(use.name), use.value) {
					t.Errorf("%q: %s is %q, want %q in it", argv, use.name, c.StringSlice(use.name), use.value)
				}
			}
			return nil
		}
		app.Before = nil
		if err := app.Run(line.args(app)); err != nil || !ran {
			t.Fatalf("%q: cli refuses %q: %v", argv, line.args(app), err)
		}
		if !slices.Equal(got, line.words) && len(got)+len(line.words) > 0 {
			t.Fatalf("%q: cli reads the words %q, want %q", argv, got, line.words)
		}
		if verbatim(cmd) && len(line.words) > 0 && !slices.Equal(argv[len(argv)-len(line.words):], line.words) {
			t.Fatalf("%q: the command to run is %q", argv, line.words)
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"submit", "run", "ls", "show", "logs", "wait", "cancel", "timeout", "idempotency-key"}
	for typed, want := range map[string]string{
		"sumbit": "submit", "sl": "ls", "log": "logs", "wiat": "wait", "tiemout": "timeout", "idem": "idempotency-key",
		"cancle": "cancel", "zzzzzz": "", "": "", "x": "", "make": "",
	} {
		if got := nearest(typed, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", typed, got, want)
		}
	}
}

func TestSlips(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ä", "a", 1}} {
		if got := slips(tt.a, tt.b); got != tt.want || slips(tt.b, tt.a) != got {
			t.Errorf("%d slips from %q to %q, want %d", got, tt.a, tt.b, tt.want)
		}
	}
}

func TestValueErrorNamesItsFlag(t *testing.T) {
	_, err := readLine(testApp(), []string{"ls", "--state"})
	var value *valueError
	if !errors.As(err, &value) || value.flag != "state" {
		t.Errorf("%v", err)
	}
}
