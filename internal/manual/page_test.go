package manual

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

var update = flag.Bool("update", false, "write the golden page anew")

const golden = "testdata/kiln.1"

// kiln is a program with one of everything.
func kiln() *cli.App {
	size := &cli.StringFlag{Name: "size", Aliases: []string{"s"}, Usage: "make it of `SIZE`, and SIZE alone", Value: "small"}
	glaze := &cli.StringSliceFlag{Name: "glaze", Usage: "cover it with `COLOUR[:N]`, N times; may be repeated"}
	quick := &cli.BoolFlag{Name: "quick", Usage: "do not wait"}
	secret := &cli.BoolFlag{Name: "secret", Usage: "nobody knows", Hidden: true}
	same := func() []cli.Flag { return []cli.Flag{size, glaze, secret} }
	return &cli.App{
		Name: "kiln",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "oven", Usage: "use the oven at `HOST:PORT`", EnvVars: []string{"KILN_OVEN"}},
			&cli.IntFlag{Name: "heat", Usage: "burn at so many degrees", Value: 900},
		},
		Commands: []*cli.Command{
			{
				Name: "fire", Aliases: []string{"burn"}, Usage: "fire a pot", ArgsUsage: "[FLAG…] POT…",
				Description: "Fires a POT as kiln shelf ls knows it, after\n.two \\n 'lines'.\n\nWith --quick it is copy-paste, see pot(7).",
				UsageText:   "kiln fire 'a pot'\n.kiln -- \"$pot\"\n\nkiln fire `pot` | tee ~/x^2",
				Flags:       append(same(), quick),
			},
			{Name: "shape", Usage: "shape a pot", Flags: same()},
			{Name: "melt", Usage: "melt everything", Hidden: true},
			{Name: "shelf", Usage: "look at the shelves", Subcommands: []*cli.Command{
				{Name: "ls", Usage: "list the shelves", UsageText: "kiln shelf ls"},
				{Name: "burn", Usage: "burn the shelves", Hidden: true},
			}},
			{Name: "check", Usage: "look for cracks", Subcommands: []*cli.Command{
				{Name: "pot", Usage: "say where the cracks are", Flags: same()},
				{Name: "oven", Usage: "say where the cracks are", Flags: []cli.Flag{quick}},
			}},
		},
	}
}

func kilnPage() *Page {
	return &Page{
		Name: "kiln", Number: 1, About: "fire pots – slowly", Source: "kiln 1.2-3", Manual: "Potter's \"Manual\"",
		Date: time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC), App: kiln(),
		Description: "kiln fires pots, e.g. those of clay. It is _SLOW_ and *hot*.\n\nSecond paragraph, über 1×1…\n",
		Sections: []Section{
			{"EXIT STATUS", "\n*0*::\ndone\n\n*128+*_N_::\nsignal _N_, see signal(7)\n\nNothing else.\n"},
			{"ENVIRONMENT", "*KILN_OVEN*, *KILN_*_NAME_::\nwhere the oven is\n\n*KILN_X*::\nsomething"},
			{"EXAMPLES", "    kiln shape -s big \\\n        pot   # \"it's\"\n"},
		},
	}
}

func written(t *testing.T, p *Page) string {
	t.Helper()
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGoldenPage(t *testing.T) {
	got := written(t, kilnPage())
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestPageWithoutProgramAndDate(t *testing.T) {
	got := written(t, &Page{Name: "kiln.conf", Number: 5, About: "how kiln burns", Source: "kiln 1", Manual: "Files", Synopsis: "_/etc/kiln.conf_", Description: "Text."})
	want := `.TH KILN.CONF 5 "" "kiln 1" Files
.nr HY 0
.nh
.ad l
.SH NAME
kiln.conf \- how kiln burns
.SH SYNOPSIS
\fI/etc/kiln.conf\fR
.SH DESCRIPTION
Text.
`
	if _, got, _ = strings.Cut(got, "\n"); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

// What is hidden stays so.
func TestHidden(t *testing.T) {
	page := written(t, kilnPage())
	for _, word := range []string{"secret", "melt", "burn the"} {
		if strings.Contains(page, word) {
			t.Errorf("the page has %q", word)
		}
	}
}

func TestWriteError(t *testing.T) {
	if err := kilnPage().Write(full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("the disk is full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestLint(t *testing.T) {
	mandoc := mandoc(t)
	cmd := exec.Command(mandoc, "-T", "lint")
	cmd.Stdin = strings.NewReader(written(t, kilnPage()))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

func mandoc(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("there is no mandoc, which would read the page: apt-get install mandoc")
	}
	return path
}

func TestSourceDate(t *testing.T) {
	for text, want := range map[string]time.Time{"": {}, "0": time.Unix(0, 0), "1790000000": time.Unix(1790000000, 0)} {
		t.Setenv("SOURCE_DATE_EPOCH", text)
		if got, err := SourceDate(); !got.Equal(want) || err != nil {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"today", "-1", "1.5", "99999999999999999999"} {
		t.Setenv("SOURCE_DATE_EPOCH", text)
		if got, err := SourceDate(); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
