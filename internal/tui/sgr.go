package tui

import (
	"strconv"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// sgr is the style after "ESC [ params m": ECMA-48, 8.3.117, with the colours of
// xterm. What it does not know, and what blinks or hides, it passes over.
func sgr(style tcell.Style, params []byte) tcell.Style {
	for codes := sgrCodes(params); len(codes) > 0; {
		n := 1
		switch code := codes[0]; code {
		case 38, 48:
			var colour tcell.Color
			if colour, n = extended(codes); n == 0 {
				return style
			}
			if code == 38 {
				style = style.Foreground(colour)
			} else {
				style = style.Background(colour)
			}
		default:
			style = simple(style, code)
		}
		codes = codes[n:]
	}
	return style
}

// sgrCodes are the numbers between ; or :. An empty one is 0.
func sgrCodes(params []byte) (codes []int) {
	for field := range strings.FieldsFuncSeq(" "+strings.NewReplacer(";", "; ", ":", ": ").Replace(string(params)), isSeparator) {
		n := 0
		if field = strings.TrimSpace(field); field != "" {
			var err error
			if n, err = strconv.Atoi(field); err != nil {
				n = -1
			}
		}
		codes = append(codes, n)
	}
	return codes
}

func isSeparator(r rune) bool { return r == ';' || r == ':' }

// extended reads 38;5;N and 38;2;R;G;B, and says how many codes that took; 0: it
// is neither.
func extended(codes []int) (colour tcell.Color, n int) {
	within := func(codes []int) bool {
		for _, c := range codes {
			if c < 0 || c > 255 {
				return false
			}
		}
		return true
	}
	switch {
	case len(codes) >= 3 && codes[1] == 5 && within(codes[2:3]):
		return tcell.PaletteColor(codes[2]), 3
	case len(codes) >= 5 && codes[1] == 2 && within(codes[2:5]):
		return tcell.NewRGBColor(int32(codes[2]), int32(codes[3]), int32(codes[4])), 5
	}
	return 0, 0
}

func simple(style tcell.Style, code int) tcell.Style {
	switch {
	case code == 0:
		return tcell.StyleDefault
	case code == 1:
		return style.Bold(true)
	case code == 2:
		return style.Dim(true)
	case code == 3:
		return style.Italic(true)
	case code == 4:
		return style.Underline(true)
	case code == 7:
		return style.Reverse(true)
	case code == 9:
		return style.StrikeThrough(true)
	case code == 21 || code == 22:
		return style.Bold(false).Dim(false)
	case code == 23:
		return style.Italic(false)
	case code == 24:
		return style.Underline(false)
	case code == 27:
		return style.Reverse(false)
	case code == 29:
		return style.StrikeThrough(false)
	case code >= 30 && code <= 37:
		return style.Foreground(tcell.PaletteColor(code - 30))
	case code == 39:
		return style.Foreground(tcell.ColorDefault)
	case code >= 40 && code <= 47:
		return style.Background(tcell.PaletteColor(code - 40))
	case code == 49:
		return style.Background(tcell.ColorDefault)
	case code >= 90 && code <= 97:
		return style.Foreground(tcell.PaletteColor(code - 90 + 8))
	case code >= 100 && code <= 107:
		return style.Background(tcell.PaletteColor(code - 100 + 8))
	}
	return style
}
