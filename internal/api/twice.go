package api

import (
	"bytes"
	"encoding/json"
	"strings"
)

// twice is the first key that an object of a JSON value has twice, written alike but for
// case, as encoding/json reads it; of those it would take the last, others the first.
// The value is valid and of a known form, so that objects have few different keys.
func twice(data []byte) (key string, is bool) {
	var open []keys // that are not closed; nil: an array
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			open = append(open, keys{})
		case '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			end := i + stringSize(data[i:])
			if len(open) > 0 && open[len(open)-1] != nil && isKey(data[end:]) {
				o := &open[len(open)-1]
				if key = keyText(data[i:end]); o.has(key) {
					return key, true
				}
				*o = append(*o, key)
			}
			i = end - 1
		}
	}
	return "", false
}

// keys are those of one, so far.
type keys []string

func (o keys) has(key string) bool {
	for _, k := range o {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// stringSize is how long the string is that data begins with, and its quotes.
func stringSize(data []byte) int {
	for i := 1; ; i++ {
		switch data[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
}

// isKey reports whether what comes after a string makes it a key.
func isKey(after []byte) bool {
	after = bytes.TrimLeft(after, " \t\r\n")
	return len(after) > 0 && after[0] == ':'
}

func keyText(quoted []byte) (text string) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	json.Unmarshal(quoted, &text) // valid, as all of it is
	return text
}
