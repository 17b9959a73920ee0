package units

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// maxText bounds what a parser looks at and an error repeats.
const maxText = 64

var (
	errEmpty    = errors.New("it is empty")
	errNegative = errors.New("it is negative")
	errNumber   = errors.New("a number is missing")
	errDigits   = errors.New("it has more than 18 decimals")
	errTooLarge = errors.New("it is too large")
)

// refuse builds the error of a parser. The example shows what it would take.
func refuse(kind, text string, why error, example string) error {
	if len(text) > maxText {
		return fmt.Errorf("cannot read %s: a text of %d bytes is none; write it as in %s", kind, len(text), example)
	}
	return fmt.Errorf("cannot read %s %q: %w; write it as in %s", kind, text, why, example)
}

// number is an unsigned decimal, kept exact: whole + frac/scale.
type number struct {
	whole, frac uint64
	scale       uint64 // 10 to the power of decimals
	decimals    int
}

// cutNumber reads the decimal that text starts with, such as 12, 1.5 or .5, and
// returns what follows it.
func cutNumber(text string) (n number, rest string, err error) {
	switch {
	case text == "":
		return n, "", errEmpty
	case text[0] == '-':
		return n, "", errNegative
	}
	whole, rest := cutDigits(text)
	var frac string
	if after, dotted := strings.CutPrefix(rest, "."); dotted {
		frac, rest = cutDigits(after)
	}
	if whole+frac == "" {
		return n, "", errNumber
	}
	n.scale, n.decimals = 1, len(frac)
	if n.decimals > 18 {
		return n, "", errDigits
	}
	for range frac {
		n.scale *= 10
	}
	if n.whole, err = strconv.ParseUint("0"+whole, 10, 64); err != nil {
		return n, "", errTooLarge
	}
	n.frac, err = strconv.ParseUint("0"+frac, 10, 64)
	return n, rest, err
}

func cutDigits(text string) (digits, rest string) {
	end := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

// times is n units, rounded to the nearest whole.
func (n number) times(unit uint64) (int64, error) {
	high, whole := bits.Mul64(n.whole, unit)
	if high != 0 || whole > math.MaxInt64 {
		return 0, errTooLarge
	}
	// frac < scale, so the quotient is less than unit and Div64 cannot overflow.
	high, low := bits.Mul64(n.frac, unit)
	part, left := bits.Div64(high, low, n.scale)
	if left >= n.scale-left {
		part++
	}
	if part > math.MaxInt64-whole {
		return 0, errTooLarge
	}
	return int64(whole + part), nil
}
