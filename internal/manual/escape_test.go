package manual

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"":              ``,
		"plain text":    `plain text`,
		`a\b`:           `a\eb`,
		`\fBx\n`:        `\efBx\en`,
		"--a-b":         `\-\-a\-b`,
		`say "x"`:       `say \(dqx\(dq`,
		"`x`^2 ~":       `\(gax\(ga\(ha2 \(ti`,
		"it's":          `it's`,
		"wait…":         `wait...\&`,
		"2×3":           `2\(mu3`,
		"é€":            `\[u00E9]\[u20AC]`,
		"😀":             `\[u1F600]`,
		"a\tb\nc":       `a b c`,
		"\x00\x1b\x7f":  `\[uFFFD]\[uFFFD]\[uFFFD]`,
		"\xff":          `\[uFFFD]`,
		"“a” ‘b’ – c—d": `\(lqa\(rq \(oqb\(cq \(en c\(emd`,
	} {
		if got := escape(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestGuard(t *testing.T) {
	for line, want := range map[string]string{
		"": "", "a.": "a.", ".PP": `\&.PP`, "'br": `\&'br`, " a": `\& a`, `\-`: `\-`,
	} {
		if got := guard(line); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}

func TestFill(t *testing.T) {
	long := strings.Repeat("word ", 14) // 70 columns
	for text, want := range map[string][]string{
		"":                               nil,
		"One. Two! (Three?) four.":       {"One.", "Two!", "(Three?) four."},
		"e.g. this":                      {"e.g. this"},
		"Quoted.\\(dq \\fBNext\\fR one.": {"Quoted.\\(dq", "\\fBNext\\fR one."},
		".SH first":                      {`\&.SH first`},
		long + "longer.SH":               {strings.TrimSpace(long), "longer.SH"},
		long + "wordy .SH":               {long + "wordy", `\&.SH`},
		long + "etc. 'and on":            {long + `etc.\&`, `\&'and on`},
	} {
		if diff := cmp.Diff(want, fill(text)); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

var hostile = rapid.OneOf(
	rapid.String(),
	rapid.StringMatching(`([.'\\*_ \n"-]|\.SH|\\fB|::|    |[a-z]{1,20}|\n\n){0,40}`),
	rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
)

// ours are the requests that the package itself makes.
var ours = regexp.MustCompile(`^\.(TH|nr|nh|ad|SH|SS|SY|YS|PP|TP|PD|RS|RE|EX|EE)( |$)`)

// request finds a line that roff would take for a request, and is none of ours.
func request(source string) string {
	for line := range strings.Lines(source) {
		if line[0] == '\'' || line[0] == '.' && !ours.MatchString(strings.TrimSuffix(line, "\n")) {
			return line
		}
	}
	return ""
}

func checkText(t interface{ Fatalf(string, ...any) }, text string) {
	out := &printer{recogniser: recognise(kiln())}
	out.text(text)
	out.paragraph(quoted(text))
	out.fill(marked(text))
	out.example(strings.Split(text, "\n"))
	out.list([]item{{marked(text), form(text)}})
	source := out.String()
	if line := request(source); line != "" {
		t.Fatalf("%q makes the request %q", text, line)
	}
	if i := strings.IndexFunc(source, func(r rune) bool { return r >= utf8.RuneSelf || r < ' ' && r != '\n' }); i >= 0 {
		t.Fatalf("%q makes %q, which is not printable ASCII", text, source[i:])
	}
}

// A paragraph never begins a request, nor do tags and examples.
func TestTextIsNoRequest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkText(t, hostile.Draw(t, "text")) })
}

func FuzzText(f *testing.F) {
	for _, text := range []string{"", ".SH X", "*a*_b_", "'br\n\n    .x\n\n*t*::\n.y", "\\\n.", "`A`: A", "-a --b c(1)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkText(t, text) })
}

// mandoc shows the words that were written.
func TestTextIsReadBack(t *testing.T) {
	mandoc := mandoc(t)
	var want []string
	rapid.Check(t, func(t *rapid.T) {
		want = append(want, rapid.SliceOfN(rapid.StringMatching(`[!-~]{1,12}`), 1, 30).Draw(t, "words")...)
	})
	page := &printer{}
	page.request("TH", "X", "1", "2026-11-24", "x", "x")
	page.section("X")
	for _, line := range fill(roff([]run{{roman, strings.Join(want, " ")}})) {
		page.WriteString(line + "\n")
	}
	page.example([]string{"", literalSample})
	cmd := exec.Command(mandoc, "-T", "utf8", "-O", "width=1000")
	cmd.Stdin = &page.Buffer
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(".\x08").ReplaceAllString(string(out), "")
	_, text, _ = strings.Cut(text, "\nX\n")
	got := strings.Fields(text)
	if !strings.Contains(text, literalSample) {
		t.Errorf("the example %q is shown as %q", literalSample, text[max(0, len(text)-300):])
	}
	for i, word := range want {
		if i >= len(got) || got[i] != word {
			t.Fatalf("word %d is %q, and shown as %q", i, word, got[min(i, len(got)-1)])
		}
	}
}

const literalSample = `.a 'b' "c"  \n \fB  -- ~ ^ ` + "` $ # % &"
