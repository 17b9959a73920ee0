package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// boottime is a moment of CLOCK_BOOTTIME, which every process of a machine reads
// alike and nobody sets.
type boottime time.Duration

func (b boottime) String() string { return fmt.Sprintf("%.3f", time.Duration(b).Seconds()) }

// mark is one line of the ledger: a task's own word on itself.
type mark struct {
	Word    string // start, alive or end
	Tag     string
	Task    string
	Attempt int
	Worker  string
	PID     int
	At      boottime
	Code    int // of an end
}

func (m mark) String() string {
	text := fmt.Sprintf("%v  %-5s %s attempt %d on %s, process %d", m.At, m.Word, m.Task, m.Attempt, m.Worker, m.PID)
	if m.Word == "end" {
		text += fmt.Sprintf(", exit code %d", m.Code)
	}
	return text
}

// readLedger sorts marks by task. A line that is none is an error: each was
// written at once.
func readLedger(r io.Reader) (map[string][]mark, error) {
	marks := map[string][]mark{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		m, err := parseMark(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("cannot read line %d of the ledger: %w", n, err)
		}
		marks[m.Task] = append(marks[m.Task], m)
	}
	return marks, lines.Err()
}

func parseMark(line string) (m mark, err error) {
	fields := strings.Split(line, " ")
	want := 7
	if fields[0] == "end" {
		want = 8
	}
	if len(fields) != want {
		return m, fmt.Errorf("%q has %d words, want %d", line, len(fields), want)
	}
	var numbers [4]int64
	for i, field := range append([]string{fields[3]}, fields[5:]...) {
		if numbers[i], err = strconv.ParseInt(field, 10, 64); err != nil {
			return m, fmt.Errorf("%q: %w", line, err)
		}
	}
	return mark{
		Word: fields[0], Tag: fields[1], Task: fields[2], Attempt: int(numbers[0]), Worker: fields[4],
		PID: int(numbers[1]), At: boottime(numbers[2]), Code: int(numbers[3]),
	}, nil
}
