package resources

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"0\n": 0, "4096\n": 4096, "max\n": math.MaxInt64, "17": 17} {
		if got, err := number([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\n", "-1\n", "1 2\n", "9223372036854775808\n", "0x10\n", "maximum"} {
		if got, err := number([]byte(text)); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

func TestKeyed(t *testing.T) {
	const events = "low 0\nhigh 3\nmax 12\noom 1\noom_kill 2\noom_group_kill 1\n"
	for key, want := range map[string]int64{"oom_kill": 2, "oom": 1, "max": 12, "low": 0, "oom_group": 0, "": 0} {
		if got, err := keyed([]byte(events), key); err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", key, got, err, want)
		}
	}
	for _, text := range []string{"max x\n", "max \n", "max -1\n", "max 1 2\n"} {
		if got, err := keyed([]byte(text), "max"); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

func TestTransferred(t *testing.T) {
	tests := []struct {
		text          string
		read, written int64
		fails         bool
	}{
		{"", 0, 0, false},
		{"8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=5 dios=6\n8:0 rbytes=1 wbytes=2 rios=3 wios=4\n", 1459201, 314773506, false},
		{"7:0 \n8:0 cost.usage=5\n", 0, 0, false}, // the kernel lists what has not been used
		{"8:0 rbytes=1", 1, 0, false},
		{"8:0 xrbytes=1\n", 0, 0, false},
		{"8:0 rbytes=x\n", 0, 0, true},
		{"8:0 wbytes=9223372036854775807\n8:1 wbytes=1\n", 0, 0, true},
	}
	for _, tt := range tests {
		read, written, err := transferred([]byte(tt.text))
		if read != tt.read || written != tt.written || (err != nil) != tt.fails {
			t.Errorf("%q: %d, %d, %v, want %d, %d", tt.text, read, written, err, tt.read, tt.written)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add([]byte("4096\n"))
	f.Add([]byte("max\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := number(text)
		if n < 0 || err != nil && n != 0 {
			t.Errorf("%q is %d, %v", text, n, err)
		}
		if err == nil && n != math.MaxInt64 && strings.TrimLeft(strings.TrimSuffix(string(text), "\n"), "0") != strings.TrimLeft(strconv.FormatInt(n, 10), "0") {
			t.Errorf("%q is %d", text, n)
		}
	})
}

// FuzzKeyed is for cpu.stat, memory.events and pids.events.
func FuzzKeyed(f *testing.F) {
	f.Add([]byte("usage_usec 1\nuser_usec 1\nsystem_usec 0\n"), "usage_usec")
	f.Add([]byte("low 0\nhigh 3\nmax 12\noom 1\noom_kill 2\n"), "oom_kill")
	f.Add([]byte("max 0\n"), "max")
	f.Fuzz(func(t *testing.T, text []byte, key string) {
		n, err := keyed(text, key)
		if n < 0 || err != nil && n != 0 {
			t.Errorf("%q of %q is %d, %v", key, text, n, err)
		}
		if n > 0 && !strings.Contains(string(text), key+" ") {
			t.Errorf("%q of %q is %d", key, text, n)
		}
	})
}

// FuzzTransferred is for io.stat.
func FuzzTransferred(f *testing.F) {
	f.Add([]byte("8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"))
	f.Add([]byte("7:0 \n8:0 rbytes=1 wbytes=9223372036854775807\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		read, written, err := transferred(text)
		if read < 0 || written < 0 || err != nil && (read != 0 || written != 0) {
			t.Errorf("%q: %d, %d, %v", text, read, written, err)
		}
		again, more, err2 := transferred(append(text, "\n1:1 rbytes=1 wbytes=0\n"...))
		if err == nil && err2 == nil && (again != read+1 || more != written) {
			t.Errorf("%q: %d, %d, and with one more %d, %d", text, read, written, again, more)
		}
	})
}
