package resources

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// The files of a cgroup have one of three forms (Control Group v2 in the kernel's
// documentation, Format): a number, a number after a key in each line, or
// numbers after keys and "=" in each line.

// number is what a file of one number says. "max" is the most there is.
func number(text []byte) (int64, error) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	if string(text) == "max" {
		return math.MaxInt64, nil
	}
	return count(text)
}

// keyed is the number after key, or 0 where there is none: kernels count ever
// more.
func keyed(text []byte, key string) (int64, error) {
	for line := range bytes.Lines(text) {
		if name, value, ok := bytes.Cut(line, []byte(" ")); ok && string(name) == key {
			return count(bytes.TrimSuffix(value, []byte("\n")))
		}
	}
	return 0, nil
}

// transferred sums up what io.stat says of all devices, in bytes.
func transferred(text []byte) (read, written int64, err error) {
	for len(text) > 0 {
		end := bytes.IndexAny(text, " \n")
		if end < 0 {
			end = len(text)
		}
		if err = add(&read, text[:end], "rbytes="); err == nil {
			err = add(&written, text[:end], "wbytes=")
		}
		if err != nil {
			return 0, 0, err
		}
		text = text[min(end+1, len(text)):]
	}
	return read, written, nil
}

func add(sum *int64, word []byte, key string) error {
	value, ok := bytes.CutPrefix(word, []byte(key))
	if !ok {
		return nil
	}
	n, err := count(value)
	if err == nil && n > math.MaxInt64-*sum {
		err = fmt.Errorf("cannot count with %q: too much", word)
	}
	if err == nil {
		*sum += n
	}
	return err
}

// count reads a number that counts something.
func count(digits []byte) (int64, error) {
	n, err := strconv.ParseUint(string(digits), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("cannot read the number %.40q: %w", digits, err)
	}
	return int64(n), nil
}
