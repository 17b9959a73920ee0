package manual

import (
	"bytes"
	"strconv"
	"strings"
)

// printer writes the blocks of a page.
type printer struct {
	bytes.Buffer
	recogniser
	begun bool // a heading was the last: the next paragraph needs no space
}

// request writes a line of roff's own; args are escaped.
func (out *printer) request(name string, args ...string) {
	out.WriteString("." + name)
	for _, arg := range args {
		out.WriteString(" " + quote(arg))
	}
	out.WriteByte('\n')
	out.begun = false
}

// line writes an escaped line as it stands.
func (out *printer) line(text string) { out.WriteString(guard(text) + "\n") }

func (out *printer) fill(runs []run) {
	for _, line := range fill(roff(out.in(runs))) {
		out.WriteString(line + "\n")
	}
	out.begun = false
}

// space parts a block from the one before it.
func (out *printer) space() {
	if !out.begun {
		out.request("PP")
	}
	out.begun = false
}

func (out *printer) paragraph(runs []run) {
	out.space()
	out.fill(runs)
}

// example keeps lines as they are.
func (out *printer) example(lines []string) {
	out.space()
	out.request("RS", "4")
	out.request("EX")
	for _, line := range lines {
		out.line(literal(line))
	}
	out.request("EE")
	out.request("RE")
}

// item is a tag and what it means.
type item struct{ tag, text []run }

// A tag of up to widest columns has its text beside it, and a list of items
// whose texts are so short has no space between them.
const (
	widestTag = 13
	shortText = 60
)

// list writes items with their texts all at the same column.
func (out *printer) list(items []item) {
	wide, short := 0, true
	for _, it := range items {
		wide = max(wide, columns(it.tag))
		short = short && columns(it.text) <= shortText
	}
	short = short && wide <= widestTag
	for i, it := range items {
		if short && i == 1 {
			out.request("PD", "0")
		}
		if wide <= widestTag {
			out.request("TP", strconv.Itoa(wide+3))
		} else {
			out.request("TP")
		}
		out.line(roff(it.tag))
		out.fill(it.text)
	}
	if short && len(items) > 1 {
		out.request("PD")
	}
}

// columns is how wide runs are, nearly.
func columns(runs []run) int {
	n := 0
	for _, r := range runs {
		n += len([]rune(r.text))
	}
	return n
}

// text writes what the package comment describes.
func (out *printer) text(text string) {
	var items []item
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		tag, explanation, isItem := strings.Cut(block, "::\n")
		if isItem && !strings.Contains(tag, "\n") {
			items = append(items, item{marked(tag), marked(explanation)})
			continue
		}
		out.list(items)
		items = nil
		out.block(block)
	}
	out.list(items)
}

// block writes an example or a paragraph.
func (out *printer) block(block string) {
	lines := strings.Split(strings.Trim(block, "\n"), "\n")
	for i, line := range lines {
		var indented bool
		if lines[i], indented = strings.CutPrefix(line, "    "); !indented {
			if strings.TrimSpace(block) != "" {
				out.paragraph(marked(block))
			}
			return
		}
	}
	out.example(lines)
}
