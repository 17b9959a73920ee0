package manual

import (
	"testing"
)

// show writes runs with their fonts, B(bold) and I(italic).
func show(runs []run) string {
	text := ""
	for _, r := range runs {
		switch {
		case r.font == roman:
			text += r.text
		default:
			text += string(r.font) + "(" + r.text + ")"
		}
	}
	return text
}

func TestMarked(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"plain":                  "plain",
		"*a* and _b_.":           "B(a) and I(b).",
		"*exit:*_N_":             "B(exit:)I(N)",
		"*two words*, (_x_)":     "B(two words), (I(x))",
		`"_HOST:PORT_"`:          `"I(HOST:PORT)"`,
		"timed_out and a_b_c":    "timed_out and a_b_c",
		"OCTASKLY_* *.toml":      "OCTASKLY_* *.toml",
		"*OCTASKLY_*":            "B(OCTASKLY_)",
		"_/etc/x.d/*.toml_, *y*": "I(/etc/x.d/*.toml), B(y)",
		"2 * 3 * 4, * and _":     "2 * 3 * 4, * and _",
		"*":                      "*",
		"**":                     "**",
		"a *b":                   "a *b",
		"_$XDG_RUNTIME_DIR/x_::": "I($XDG_RUNTIME_DIR/x)::",
		"*a\nb*":                 "B(a\nb)",
	} {
		if got := show(marked(text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestQuoted(t *testing.T) {
	for usage, want := range map[string]string{
		"plain":                             "plain",
		"from `FILE`, if FILE or FILES is":  "from I(FILE), if I(FILE) or FILES is",
		"in `RANGES[%N]`; at most N, not n": "in I(RANGES)[%I(N)]; at most I(N), not n",
		"at `HOST:PORT`":                    "at I(HOST):I(PORT)",
		"one of `a|b`, not A":               "one of B(a)|B(b), not A",
		"an open `FILE":                     "an open `FILE",
	} {
		if got := show(quoted(usage)); got != want {
			t.Errorf("%q is %s, want %s", usage, got, want)
		}
	}
}

func TestForm(t *testing.T) {
	for text, want := range map[string]string{
		"[FLAG…] [--] COMMAND [ARG…]": "[I(FLAG)…] [B(--)] I(COMMAND) [I(ARG)…]",
		"bash|zsh|fish":               "B(bash)|B(zsh)|B(fish)",
		"--env NAME=VALUE":            "B(--env) I(NAME)=I(VALUE)",
	} {
		if got := show(form(text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestRecogniser(t *testing.T) {
	for text, want := range map[string]string{
		"see pot(7), a.b(5).":               "see B(pot)(7), B(a.b)(5).",
		"f(x), f(12) and man(1x)":           "f(x), f(12) and man(1x)",
		"with --size, -s or (--a-b)":        "with B(--size), B(-s) or (B(--a-b))",
		"copy-paste, 1-10, a--b":            "copy-paste, 1-10, a--b",
		"the end is -- here":                "the end is B(--) here",
		"kiln, kiln fire and kiln shelf ls": "B(kiln), B(kiln fire) and B(kiln shelf ls)",
		"kiln melt, kilns, kiln-fire":       "B(kiln) melt, kilns, kiln-fire",
		"kiln's":                            "B(kiln)'s",
	} {
		if got := show(recognise(kiln()).in([]run{{roman, text}})); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestSentence(t *testing.T) {
	for usage, want := range map[string]string{"": "", "do it": "Do it.", "`NAME` of it": "`NAME` of it.", "über.": "Über."} {
		if got := Sentence(usage); got != want {
			t.Errorf("%q is %q, want %q", usage, got, want)
		}
	}
}
