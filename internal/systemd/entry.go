package systemd

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Bounds of an entry. Together they stay below what a socket sends at once by
// default (208 KiB), and below what the journal takes (1,024 fields with names
// of up to 64 bytes).
const (
	maxName   = 64       // bytes of a field's name
	maxValue  = 16 << 10 // bytes of a field's value, the message too
	maxFields = 256      // fields from attributes
	maxEntry  = 96 << 10 // bytes of all fields from attributes, about
)

// fieldPrefix is what the names of fields from attributes begin with.
const fieldPrefix = "OCTASKLY_"

// entry is an entry of the journal while it is put together: its message as
// people read it, and its fields as the journal does.
type entry struct {
	text   []byte
	fields []byte // in the native protocol
	count  int    // of fields from attributes
	value  []byte // scratch
	name   []byte // scratch
}

// begin makes e an entry of message with the attributes of from.
func (e *entry) begin(message string, from *entry) {
	e.text = append(append(e.text[:0], message...), from.text...)
	e.fields = append(e.fields[:0], from.fields...)
	e.count = from.count
}

// attr adds an attribute. Within group "g." it is "g.key" in the message and
// OCTASKLY_G_KEY among the fields.
func (e *entry) attr(group string, a slog.Attr) {
	value := a.Value.Resolve()
	switch {
	case a.Equal(slog.Attr{}):
	case value.Kind() == slog.KindGroup:
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range value.Group() {
			e.attr(group, inner)
		}
	default:
		e.value = cut(appendValue(e.value[:0], value), maxValue)
		e.name = append(append(e.name[:0], group...), a.Key...)
		e.say()
		e.know()
	}
}

// say appends name and value to the message, unless that is too long already.
func (e *entry) say() {
	if len(e.text) > maxValue {
		return
	}
	e.text = append(e.text, ' ')
	e.text = appendQuoted(e.text, e.name)
	e.text = append(e.text, '=')
	e.text = appendQuoted(e.text, e.value)
}

// know appends name and value to the fields, if there is room.
func (e *entry) know() {
	if e.count == maxFields || len(e.fields)+len(e.value) > maxEntry {
		return
	}
	e.count++
	e.fields = appendField(e.fields, fieldName(e.name), e.value)
}

// fieldName makes, in place, a name that the journal takes.
func fieldName(key []byte) []byte {
	key = key[:min(len(key), maxName-len(fieldPrefix))]
	for i, c := range key {
		switch {
		case 'a' <= c && c <= 'z':
			key[i] = c - 'a' + 'A'
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		default:
			key[i] = '_'
		}
	}
	return key
}

// appendField appends a field named OCTASKLY_ and name.
func appendField(b, name, value []byte) []byte {
	b = append(b, fieldPrefix...)
	b = append(b, name...)
	return appendFieldValue(b, value)
}

// appendFieldValue appends what follows a field's name in the native protocol: a
// value with a newline in it comes with its length instead of "=".
func appendFieldValue(b, value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 {
		b = append(b, '=')
	} else {
		b = append(b, '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	}
	b = append(b, value...)
	return append(b, '\n')
}

// appendValue appends v as slog's text handler writes it, but not quoted.
func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	case slog.KindAny:
		return appendAny(b, v.Any())
	}
	return append(b, v.String()...)
}

func appendAny(b []byte, v any) (out []byte) {
	defer func() {
		if r := recover(); r != nil {
			out = fmt.Appendf(b, "!PANIC: %v", r) // a log must not end the daemon; fmt does likewise
		}
	}()
	switch v := v.(type) {
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return fmt.Appendf(b, "!ERROR: %v", err)
		}
		return append(b, text...)
	case []byte:
		return append(b, v...)
	}
	return fmt.Appendf(b, "%+v", v)
}

// appendQuoted appends text, in quotes if it would be hard to tell apart.
func appendQuoted(b, text []byte) []byte {
	if plain(text) {
		return append(b, text...)
	}
	return strconv.AppendQuote(b, string(text))
}

func plain(text []byte) bool {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError || r == ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) {
			return false
		}
		i += size
	}
	return len(text) > 0
}

// cut shortens text to limit bytes, between two characters and with an ellipsis.
func cut(text []byte, limit int) []byte {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(ellipsis)
	for back := 0; back < utf8.UTFMax-1 && !utf8.RuneStart(text[end]); back++ {
		end--
	}
	return append(text[:end], ellipsis...)
}
