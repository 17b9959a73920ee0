package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSignal is the last real-time signal, see signal(7).
const maxSignal = 64

// Signal is a signal's number on Linux. In JSON it is a number or a name.
type Signal int

// ParseSignal reads "TERM", "SIGTERM", "sigterm" or "15".
func ParseSignal(text string) (Signal, error) {
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > maxSignal {
			return 0, fmt.Errorf("cannot read signal %q: the numbers are 1 to %d", text, maxSignal)
		}
		return Signal(n), nil
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if n := unix.SignalNum(name); n != 0 {
		return Signal(n), nil
	}
	return 0, fmt.Errorf("cannot read signal %q: want a name such as TERM or a number such as 15", text)
}

func (s *Signal) UnmarshalJSON(data []byte) error {
	text := string(data)
	if data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	parsed, err := ParseSignal(text)
	if err != nil {
		return badValue(data, s)
	}
	*s = parsed
	return nil
}
