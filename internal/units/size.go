package units

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
	TiB Size = 1 << 40
)

const sizeExample = "512, 64K or 1.5GiB"

var errByteFraction = errors.New("a byte has no fractions")

// prefixes of a byte, each 1024 (or 1000) times the one before.
const prefixes = "KMGTPE"

// bases are what follows the prefix in upper case, and its multiplier.
var bases = map[string]uint64{"": 1024, "IB": 1024, "B": 1000}

// ParseSize reads "512", "64K", "64KiB", "1.5 GiB" and "64KB". K, M, G, T, P
// and E, with or without "iB", are powers of 1024; with "B" alone they are
// powers of 1000. Case does not matter. A fraction is rounded to the nearest
// byte.
func ParseSize(text string) (Size, error) {
	n, err := parseSize(text)
	if err != nil {
		return 0, refuse("size", text, err, sizeExample)
	}
	return Size(n), nil
}

func parseSize(text string) (int64, error) {
	if len(text) > maxText {
		return 0, errTooLarge
	}
	n, rest, err := cutNumber(strings.TrimSpace(text))
	if err != nil {
		return 0, err
	}
	unit, err := sizeUnit(strings.TrimSpace(rest))
	if err != nil {
		return 0, err
	}
	if unit == 1 && n.decimals > 0 {
		return 0, errByteFraction
	}
	return n.times(unit)
}

// sizeUnit is the number of bytes that a unit's name stands for.
func sizeUnit(name string) (uint64, error) {
	upper := strings.ToUpper(name)
	if upper == "" || upper == "B" {
		return 1, nil
	}
	power := 1 + strings.IndexByte(prefixes, upper[0])
	base := bases[upper[1:]]
	if power == 0 || base == 0 {
		return 0, fmt.Errorf("there is no unit %q", name)
	}
	unit := uint64(1)
	for range power {
		unit *= base
	}
	return unit, nil
}

// String writes the size exactly, in the largest binary unit that divides it:
// "64MiB", "1000B".
func (s Size) String() string {
	n, power := int64(s), 0
	for n != 0 && n%1024 == 0 && power < len(prefixes) {
		n, power = n/1024, power+1
	}
	return strconv.FormatInt(n, 10) + unitName(power)
}

// Human writes the size for a reader, rounded to one decimal: "1.4 GiB".
func (s Size) Human() string {
	n, power := float64(s), 0
	// From 1023.95 on, one decimal would round up to 1024.
	for math.Abs(n) >= 1023.95 && power < len(prefixes) {
		n, power = n/1024, power+1
	}
	digits := strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
	return digits + " " + unitName(power)
}

func unitName(power int) string {
	if power == 0 {
		return "B"
	}
	return prefixes[power-1:power] + "iB"
}

// MarshalText gives what String gives.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseSize reads.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}
