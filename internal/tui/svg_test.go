package tui

import (
	"fmt"
	"html"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// Measures of the picture, in its own units.
const (
	cellWidth, cellHeight = 8.4, 18
	margin, baseline      = 14, 13.5
)

// svgHead has the sixteen colours of a terminal, for readers in the light and in the
// dark. No font is in it: any of equal widths will do, since each run of characters is
// told its width.
const svgHead = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]s %[2]s" width="%[1]s" height="%[2]s" xml:space="preserve" role="img" aria-label="octasklyctl top: tasks, and the output of one of them">
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre}
.w{fill:#fff;stroke:#d0d7de}.p{fill:#1f2328}.r{fill:#fff}.c1{fill:#cf222e}.c2{fill:#1a7f37}.c3{fill:#9a6700}.c4{fill:#0969da}.c5{fill:#8250df}.c6{fill:#1b7c83}.c7{fill:#59636e}
rect{shape-rendering:crispEdges}.w{shape-rendering:auto}.d{opacity:.62}.b{font-weight:bold}.l{opacity:.28}
@media(prefers-color-scheme:dark){.w{fill:#0d1117;stroke:#30363d}.p{fill:#e6edf3}.r{fill:#0d1117}.c1{fill:#ff7b72}.c2{fill:#3fb950}.c3{fill:#d29922}.c4{fill:#58a6ff}.c5{fill:#bc8cff}.c6{fill:#39c5cf}.c7{fill:#9198a1}}
</style>
<rect class="w" x=".5" y=".5" width="%[3]s" height="%[4]s" rx="8"/>
`

// svg draws a grid.
func svg(g *grid) string {
	width, height := float64(g.width)*cellWidth+2*margin, float64(g.height)*cellHeight+2*margin
	var out strings.Builder
	fmt.Fprintf(&out, svgHead, number(width), number(height), number(width-1), number(height-1))
	for y := range g.height {
		row := g.cells[y*g.width : (y+1)*g.width]
		for x := 0; x < len(row); {
			x = drawRun(&out, row, x, y)
		}
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// drawRun draws what from x on has one style, and returns where that ends.
func drawRun(out *strings.Builder, row []cell, x, y int) (end int) {
	style, text := row[x].style, ""
	for end = x; end < len(row) && row[end].style == style; end++ {
		if box := boxOf(row[end].text); box != nil && end > x {
			break
		} else if box != nil {
			out.WriteString(box(place(end), top(y), strings.TrimSuffix(textClass(style), " b")))
			return end + 1
		}
		if strings.HasSuffix(text, "  ") && row[end].text != " " {
			break // what stands apart is placed by itself
		}
		text += row[end].text
	}
	if reversed(style) {
		fmt.Fprintf(out, `<rect class="%s" x="%s" y="%s" width="%s" height="%d"/>`+"\n", classOf(style), number(place(x)), number(top(y)), number(float64(end-x)*cellWidth), cellHeight)
	}
	kept := strings.TrimRight(text, " ")
	if kept == "" {
		return end
	}
	led := len(kept) - len(strings.TrimLeft(kept, " "))
	fmt.Fprintf(out, `<text class="%s" x="%s" y="%s" textLength="%s">%s</text>`+"\n", textClass(style),
		number(place(x+led)), number(top(y)+baseline), number(float64(columns(kept)-led)*cellWidth), html.EscapeString(kept[led:]))
	return end
}

func place(x int) float64 { return margin + float64(x)*cellWidth }
func top(y int) float64   { return margin + float64(y)*cellHeight }

func number(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", v), "0"), ".")
}

func reversed(s tcell.Style) bool {
	_, _, attributes := s.Decompose()
	return attributes&tcell.AttrReverse != 0
}

// classOf is the colour that a style draws with.
func classOf(s tcell.Style) string {
	class := "p"
	if colour, _, _ := s.Decompose(); colour.Valid() {
		class = fmt.Sprintf("c%d", int(colour-tcell.ColorBlack)%8)
	}
	if _, _, attributes := s.Decompose(); attributes&tcell.AttrDim != 0 {
		class += " d"
	}
	return class
}

func textClass(s tcell.Style) string {
	class := classOf(s)
	if reversed(s) {
		class = "r"
	}
	if _, _, attributes := s.Decompose(); attributes&tcell.AttrBold != 0 {
		class += " b"
	}
	return class
}

// boxOf draws the characters that fonts leave gaps between; nil: it is none of them.
func boxOf(text string) func(x, y float64, class string) string {
	part := func(left, up, width, height float64, more string) func(x, y float64, class string) string {
		return func(x, y float64, class string) string {
			return fmt.Sprintf(`<rect class="%s%s" x="%s" y="%s" width="%s" height="%s"/>`+"\n", class, more, number(x+left), number(y+up), number(width), number(height))
		}
	}
	switch r := []rune(text + "\x00")[0]; {
	case r == '░':
		return part(0, 2, cellWidth, cellHeight-4, " l")
	case r == '█':
		return part(0, 2, cellWidth, cellHeight-4, "")
	case r >= '▁' && r < '█':
		high := float64(r-'▁'+1) / 8 * (cellHeight - 4)
		return part(0, cellHeight-2-high, cellWidth, high, "")
	case r == '─':
		return part(0, cellHeight/2, cellWidth, 1, "")
	case r == '│':
		return part(cellWidth/2, 0, 1, cellHeight, "")
	}
	return nil
}
