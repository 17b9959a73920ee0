package api

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// byTokens is twice as encoding/json's own tokens say it.
func byTokens(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	type level struct {
		keys   map[string]bool // nil: an array
		values int
	}
	var open []*level
	for {
		token, err := d.Token()
		if err == io.EOF {
			return false
		}
		top := &level{}
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				top.values++
				open = append(open, &level{keys: map[string]bool{}})
			case '[':
				top.values++
				open = append(open, &level{})
			default:
				open = open[:len(open)-1]
			}
		case string:
			if top.keys != nil && top.values%2 == 0 {
				for key := range top.keys {
					if strings.EqualFold(key, token) {
						return true
					}
				}
				top.keys[token] = true
			}
			top.values++
		default:
			top.values++
		}
	}
}

func FuzzTwice(f *testing.F) {
	for _, text := range []string{
		`{"argv":["true"],"argv":["id"]}`, `{"a":{"b":1},"b":{"b":2}}`, `[{"a":1},{"a":1}]`, `{"a":["a","a",{"a":"a"}]}`, `{"a" : 1 , "\u0061":2}`, `{"a":1,"A":2}`,
		`{"a\"":1,"a\\":"\"a\":","a":{"\\":1}}`, `{"K":1,"k":2}`, `"a"`, `{"":1,"":2}`, `{"a":{"b":[{"c":1,"c":2}]}}`, `{"x":"}","y":"{\"x\":1}"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) || len(data) > 10_000 {
			return
		}
		if key, is := twice(data); is != byTokens(data) {
			t.Errorf("%s: %q, %v", data, key, is)
		}
	})
}

func BenchmarkTwice(b *testing.B) {
	data := []byte(`{"argv":["sh","-c","echo hello; sleep 1"],"env":["A=b","C=d"],"cwd":"/tmp","timeout":60,"limits":{"memory":1000000}}`)
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			twice(data)
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			decodeJSON(data, new(Submission))
		}
	})
}
