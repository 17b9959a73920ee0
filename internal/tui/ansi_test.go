package tui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
)

// written is what becomes of output: a text for each line, "|" between spans.
func written(text string) (all []string) {
	a := &ansi{}
	give := func(l line) { all = append(all, textOf(l)) }
	a.write([]byte(text), give)
	if rest := a.rest(); len(rest) > 0 {
		give(rest)
	}
	return all
}

func textOf(l line) string {
	var parts []string
	for _, s := range l {
		parts = append(parts, s.text)
	}
	return strings.Join(parts, "|")
}

func TestOutputIsDefused(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                            "plain",
		"a\nb\n\nc":                        "a/b//c",
		"\x1b[31mred\x1b[0m black":         "red| black",
		"\x1b[2J\x1b[Hhome":                "home",
		"\x1b]0;title\x07after":            "after",
		"\x1b]52;c;ZXZpbA==\x1b\\after":    "after",
		"\x1bP$q\"p\x1b\\after":            "after",
		"\x1b]never ended\nnext":           "/next",
		"\x1b[?1049h\x1b[?1000hx":          "x",
		"\x1b[31":                          "",
		"\x1b[31\nx":                       "/x",
		"\x1b(0qqq\x1b)Bx":                 "qqqx",
		"\x1bcreset":                       "reset",
		"10%\r20%\rdone":                   "done",
		"crlf\r\nnext":                     "crlf/next",
		"a\tb":                             "a       b",
		"bell\x07 back\x08space\x7f\x00":   "bell backspace",
		"\x9b31mx":                         "\ufffd31mx",
		"\u009b31mx":                       "\ufffd31mx",
		"\u202eevil":                       "\ufffdevil",
		"a\xffb\xc3":                       "a\ufffdb",
		"\xe6\x97x":                        "\ufffdx",
		"日本":                               "日本",
		"\x1b[38;5;196mx\x1b[38;2;1;2;3my": "x|y",
		"\x1b[31\x1b[32mx":                 "x",
		"\x1b[" + strings.Repeat("1;", 99) + "mx": "x",
	} {
		if got := strings.Join(written(text), "/"); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestColours(t *testing.T) {
	base := tcell.StyleDefault
	red := base.Foreground(tcell.PaletteColor(1))
	for params, want := range map[string]tcell.Style{
		"":               base,
		"0":              base,
		"31":             red,
		"1;31":           red.Bold(true),
		"31;1;22":        red,
		";31":            red,
		"31;":            base,
		"97;101":         base.Foreground(tcell.PaletteColor(15)).Background(tcell.PaletteColor(9)),
		"38;5;200":       base.Foreground(tcell.PaletteColor(200)),
		"48;2;1;2;3":     base.Background(tcell.NewRGBColor(1, 2, 3)),
		"38:5:200":       base.Foreground(tcell.PaletteColor(200)),
		"38;5;256":       base,
		"38;5":           base,
		"38":             base,
		"31;38;9;1":      red,
		"5;8;31":         red,
		"x":              base,
		"?31":            base,
		"99999999999999": base,
		"3;4;7;9":        base.Italic(true).Underline(true).Reverse(true).StrikeThrough(true),
		"31;39":          base,
	} {
		if got := sgr(base, []byte(params)); got != want {
			t.Errorf("ESC [ %s m: %v, want %v", params, got, want)
		}
	}
}

func TestLineOfTenMegabytesIsCut(t *testing.T) {
	a := &ansi{}
	var lines []line
	give := func(l line) { lines = append(lines, l) }
	piece := bytes.Repeat([]byte("x"), 64<<10)
	for range 160 {
		a.write(piece, give)
	}
	a.write([]byte("\nnext\n"), give)
	if len(lines) != 2 || textOf(lines[1]) != "next" {
		t.Fatalf("%d lines", len(lines))
	}
	if text := textOf(lines[0]); len(text) > maxLineBytes+4 || !strings.HasSuffix(text, "x…") {
		t.Errorf("%d bytes are kept, which end in %q", len(text), text[len(text)-8:])
	}
	for i := range 10_000 { // and one of as many colours
		fmt.Fprintf(writer(func(p []byte) { a.write(p, give) }), "\x1b[3%dmx", i%8)
	}
	if n := len(a.rest()); n > maxLineSpans+1 {
		t.Errorf("a line has %d spans", n)
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestScrollIsBounded(t *testing.T) {
	s := &scroll{}
	for i := range 5000 {
		s.add([]line{{{text: fmt.Sprint(i)}}})
	}
	if len(s.lines) != maxLines || s.dropped != 3000 || textOf(s.lines[0]) != "3000" {
		t.Errorf("%d lines are kept after %d, the first of which is %s", len(s.lines), s.dropped, textOf(s.lines[0]))
	}
	large := line{{text: strings.Repeat("x", maxLineBytes)}}
	for range 5000 {
		s.add([]line{large})
	}
	total := 0
	for _, l := range s.lines {
		total += cost(l)
	}
	if total != s.size || total > maxScroll {
		t.Errorf("%d bytes are kept, %d are counted", total, s.size)
	}
}

func FuzzOutput(f *testing.F) {
	for _, text := range []string{"\x1b[1;31mx\x1b[0m\n", "\x1b]0;t\x07", "a\r\nb\tc", "\x1b[38;2;1;2;3m日本\xff", "\x1bP\x1b\\", "\x1b[999999999999999999m"} {
		f.Add([]byte(text), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		a, whole := &ansi{}, &ansi{}
		var got, want []string
		at = max(0, min(at, len(data)))
		a.write(data[:at], func(l line) { got = append(got, textOf(l)) })
		a.write(data[at:], func(l line) { got = append(got, textOf(l)) })
		whole.write(data, func(l line) { want = append(want, textOf(l)) })
		got, want = append(got, textOf(a.rest())), append(want, textOf(whole.rest()))
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("in two parts %q, in one %q", got, want)
		}
		if len(got) != bytes.Count(data, []byte("\n"))+1 {
			t.Fatalf("%d lines of %q", len(got), data)
		}
		g := newGrid(20, 1)
		for _, text := range got {
			if !utf8.ValidString(text) || strings.ContainsFunc(text, hostile) || len(text) > maxLineBytes+maxLineSpans+4 {
				t.Fatalf("%q comes of %q", text, data)
			}
			drawLine(g, 0, 0, 20, 2, line{{text: text}}, true)
		}
	})
}
