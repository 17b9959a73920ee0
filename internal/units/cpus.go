package units

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CPUs is processor room in thousandths of one processor. Zero, which no text
// stands for, means that nothing was said: leave it out where it is marshalled.
type CPUs int64

// CPU is one processor.
const CPU CPUs = 1000

const cpusExample = "1, 0.5 or 2.25"

var (
	errNoCPU      = errors.New("it is not above zero")
	errThousandth = errors.New("it has more than three decimals")
)

// ParseCPUs reads "1", "0.5" and "2.25".
func ParseCPUs(text string) (CPUs, error) {
	n, err := parseCPUs(text)
	if err != nil {
		return 0, refuse("number of cpus", text, err, cpusExample)
	}
	return CPUs(n), nil
}

func parseCPUs(text string) (int64, error) {
	if len(text) > maxText {
		return 0, errTooLarge
	}
	n, rest, err := cutNumber(strings.TrimSpace(text))
	switch {
	case err != nil:
		return 0, err
	case rest != "":
		return 0, fmt.Errorf("%q is not part of a number", rest)
	case n.decimals > 3:
		return 0, errThousandth
	case n.whole == 0 && n.frac == 0:
		return 0, errNoCPU
	}
	return n.times(uint64(CPU))
}

// String writes the number in its shortest form: "1", "0.5", "2.25".
func (c CPUs) String() string {
	whole := strconv.FormatInt(int64(c/CPU), 10)
	part := int64(c % CPU)
	if part == 0 {
		return whole
	}
	if part < 0 {
		part, whole = -part, "-"+strings.TrimPrefix(whole, "-")
	}
	return whole + "." + strings.TrimRight(fmt.Sprintf("%03d", part), "0")
}

// MarshalText gives what String gives.
func (c CPUs) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseCPUs reads.
func (c *CPUs) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCPUs(string(text))
	return err
}
