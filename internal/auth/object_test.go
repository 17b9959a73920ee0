package auth

import "testing"

func TestParseObject(t *testing.T) {
	for text, good := range map[string]bool{
		`{}`: true, ` {"a":1} `: true, `{"a":{"a":1},"b":[{"a":1,"a":2}]}`: true,
		``: false, `null`: false, `[]`: false, `1`: false, `"{}"`: false, `{`: false, `}`: false, `{"a"}`: false, `{"a":}`: false, `{a:1}`: false, `{1:1}`: false, `{"a":1,}`: false,
		`{}{}`: false, `{}x`: false, `{} null`: false, "{}\x00": false, `{"a":1,"a":1}`: false, `{"a":1,"\u0061":1}`: false, "{\"a\":\"\xff\"}": false, "\ufeff{}": false,
	} {
		if o, err := parseObject([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v, %v", text, o, err)
		}
	}
}
