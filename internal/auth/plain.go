package auth

import "strings"

// parsePlain reads an object as Sign writes it: without white space, of members that
// are texts of printable ASCII without escapes, or whole numbers. It takes a fraction
// of what encoding/json does, and knows nothing else: whatever it does not take is
// for parseObject to judge.
func parsePlain(text string) (o object, ok bool) {
	rest, ok := strings.CutPrefix(text, "{")
	if !ok {
		return nil, false
	}
	for o = make(object, 9); ; rest = rest[1:] {
		var name, value string
		if name, rest, ok = plainText(rest); !ok || !strings.HasPrefix(rest, ":") {
			return nil, false
		}
		if value, rest, ok = plainValue(rest[1:]); !ok || rest == "" {
			return nil, false
		}
		name = name[1 : len(name)-1]
		if _, twice := o[name]; twice {
			return nil, false
		}
		if o[name] = []byte(value); rest == "}" {
			return o, true
		}
		if rest[0] != ',' {
			return nil, false
		}
	}
}

func plainValue(text string) (value, rest string, ok bool) {
	if strings.HasPrefix(text, `"`) {
		return plainText(text)
	}
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return text[:n], text[n:], n == 1 || n > 1 && text[0] != '0'
}

// plainText takes the text that something begins with, quotes included.
func plainText(from string) (text, rest string, ok bool) {
	if !strings.HasPrefix(from, `"`) {
		return "", "", false
	}
	for i := 1; i < len(from); i++ {
		switch c := from[i]; {
		case c == '"':
			return from[:i+1], from[i+1:], true
		case c < ' ' || c > '~' || c == '\\':
			return "", "", false
		}
	}
	return "", "", false
}
