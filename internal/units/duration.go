package units

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time in nanoseconds.
type Duration time.Duration

const (
	Second = Duration(time.Second)
	Minute = Duration(time.Minute)
	Hour   = Duration(time.Hour)
	Day    = 24 * Hour
	Week   = 7 * Day
)

const durationExample = "90 (seconds), 1h30m, 2d or 01:30:00"

var (
	errTwoParts = errors.New("two parts may mean minutes and seconds or hours and minutes")
	errClock    = errors.New("a clock form has hours, two digits of minutes and two of seconds, both below 60")
)

// µ is U+00B5, the micro sign that Go writes; μ is U+03BC, the Greek letter.
var durationUnits = map[string]Duration{
	"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6,
	"s": Second, "m": Minute, "h": Hour, "d": Day, "w": Week,
}

// ParseDuration reads seconds ("90", "1.5"), terms with units from ns to w
// ("1h30m", "1h 30m", "2d", "250ms") and "HH:MM:SS". A day has 24 hours. It
// refuses "MM:SS", which could as well be "HH:MM". A fraction is rounded to the
// nearest nanosecond.
func ParseDuration(text string) (Duration, error) {
	d, err := parseDuration(strings.TrimSpace(text))
	if err != nil {
		return 0, refuse("duration", text, err, durationExample)
	}
	return d, nil
}

func parseDuration(text string) (Duration, error) {
	if len(text) > maxText {
		return 0, errTooLarge
	}
	n, rest, err := cutNumber(text)
	switch {
	case err != nil:
		return 0, err
	case rest == "":
		seconds, err := n.times(uint64(Second))
		return Duration(seconds), err
	case strings.Contains(text, ":"):
		return parseClock(text)
	}
	return parseTerms(text)
}

// parseTerms adds up terms of a number and its unit, in any order as in Go.
func parseTerms(text string) (sum Duration, err error) {
	for text != "" {
		n, rest, err := cutNumber(text)
		if err != nil {
			return 0, err
		}
		name, rest := cutUnit(strings.TrimSpace(rest))
		unit, known := durationUnits[name]
		switch {
		case name == "":
			return 0, errors.New("each of several numbers needs its unit")
		case !known:
			return 0, fmt.Errorf("there is no unit %q", name)
		}
		term, err := n.times(uint64(unit))
		if err != nil || Duration(term) > math.MaxInt64-sum {
			return 0, errTooLarge
		}
		sum += Duration(term)
		text = strings.TrimSpace(rest)
	}
	return sum, nil
}

// cutUnit splits text before the next number or blank.
func cutUnit(text string) (name, rest string) {
	if end := strings.IndexAny(text, "0123456789.- \t"); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}

func parseClock(text string) (Duration, error) {
	parts := strings.Split(text, ":")
	if len(parts) == 2 {
		return 0, errTwoParts
	}
	if len(parts) != 3 || len(parts[1]) != 2 || len(parts[2]) != 2 {
		return 0, errClock
	}
	var n [3]uint64
	for i, part := range parts {
		var err error
		if n[i], err = strconv.ParseUint(part, 10, 32); errors.Is(err, strconv.ErrRange) {
			return 0, errTooLarge
		} else if err != nil || i > 0 && n[i] > 59 {
			return 0, errClock
		}
	}
	seconds, err := number{whole: n[0]*3600 + n[1]*60 + n[2], scale: 1}.times(uint64(Second))
	return Duration(seconds), err
}

// Std is d for the standard library.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes the duration exactly and in short: "2d", "1h30m", "250ms".
func (d Duration) String() string {
	if d < 0 {
		return "-" + d.abs().String()
	}
	var text strings.Builder
	for _, u := range []struct {
		length Duration
		name   string
	}{{Day, "d"}, {Hour, "h"}, {Minute, "m"}} {
		if d >= u.length {
			text.WriteString(strconv.FormatInt(int64(d/u.length), 10) + u.name)
			d %= u.length
		}
	}
	if d > 0 || text.Len() == 0 {
		text.WriteString(d.Std().String())
	}
	return text.String()
}

// Human writes the duration for a table, rounded to about two units: "3s",
// "2m10s", "4h", "3d".
func (d Duration) Human() string {
	if d < 0 {
		return "-" + d.abs().Human()
	}
	return Duration(d.Std().Round(d.grain())).String()
}

// grain is the precision that still matters to a reader of d.
func (d Duration) grain() time.Duration {
	switch {
	case d < Second/1000:
		return time.Microsecond
	case d < Second:
		return time.Millisecond
	case d < 10*Second:
		return 100 * time.Millisecond
	case d < Hour:
		return time.Second
	case d < Day:
		return time.Minute
	case d < 10*Day:
		return time.Hour
	}
	return Day.Std()
}

// abs differs from -d for the least value alone, which has no positive.
func (d Duration) abs() Duration { return Duration(d.Std().Abs()) }

// MarshalText gives what String gives.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDuration(string(text))
	return err
}
