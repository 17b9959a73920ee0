package config

import (
	"errors"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// entry is a key with its value, or a table's opening.
type entry struct {
	key    string
	kind   unstable.Kind
	text   string        // of a string, a number or a boolean; integers are decimal
	list   []string      // of an array of nothing but strings
	odd    unstable.Kind // of the first item of an array that is none; 0: there is none
	origin Origin
}

func (e entry) isTable() bool { return e.kind == unstable.Table || e.kind == unstable.ArrayTable }

// parse lists the entries of a file in their order. It decodes the file twice:
// Unmarshal knows all the rules, that no key may be given twice among them, and
// the parser beneath it knows where each key stands.
func parse(path string, data []byte) ([]entry, error) {
	var all map[string]any
	if err := toml.Unmarshal(data, &all); err != nil {
		return nil, syntaxProblem(path, err)
	}
	r := reader{path: path}
	r.parser.Reset(data)
	table := ""
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			r.add("", e, entry{kind: e.Kind})
			table = r.entries[len(r.entries)-1].key + "."
		case unstable.KeyValue:
			r.keyValue(table, e)
		}
	}
	return r.entries, r.parser.Error()
}

func syntaxProblem(path string, err error) error {
	origin := Origin{Name: path}
	key := ""
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		origin.Line, origin.Column = at.Position()
		key = strings.Join(at.Key(), ".")
	}
	return &Problem{origin, key, strings.TrimPrefix(err.Error(), "toml: ")}
}

type reader struct {
	path    string
	parser  unstable.Parser
	entries []entry
}

// keyValue adds `key = value`, and all of it if the value is an inline table.
func (r *reader) keyValue(prefix string, e *unstable.Node) {
	value := e.Value()
	switch value.Kind {
	case unstable.InlineTable:
	case unstable.Array:
		r.add(prefix, e, listOf(value))
		return
	default:
		r.add(prefix, e, entry{kind: value.Kind, text: textOf(value)})
		return
	}
	r.add(prefix, e, entry{kind: unstable.Table})
	prefix = r.entries[len(r.entries)-1].key + "."
	for it := value.Children(); it.Next(); {
		r.keyValue(prefix, it.Node())
	}
}

// listOf reads an array.
func listOf(value *unstable.Node) entry {
	e := entry{kind: unstable.Array}
	for it := value.Children(); it.Next(); {
		item := it.Node()
		if item.Kind != unstable.String {
			e.odd = item.Kind
			break
		}
		e.list = append(e.list, string(item.Data))
	}
	return e
}

// add completes what is known of e's value.
func (r *reader) add(prefix string, e *unstable.Node, known entry) {
	var parts []string
	origin := Origin{Name: r.path}
	for it := e.Key(); it.Next(); {
		if len(parts) == 0 {
			start := r.parser.Shape(it.Node().Raw).Start
			origin.Line, origin.Column = start.Line, start.Column
		}
		parts = append(parts, keyPart(string(it.Node().Data)))
	}
	known.key, known.origin = prefix+strings.Join(parts, "."), origin
	r.entries = append(r.entries, known)
}

// keyPart quotes a part of a dotted key that would not read as one part.
func keyPart(part string) string {
	bare := func(c rune) bool {
		return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	if part == "" || strings.ContainsFunc(part, func(c rune) bool { return !bare(c) }) {
		return strconv.Quote(part)
	}
	return part
}

// textOf returns a value as field.set reads it.
func textOf(value *unstable.Node) string {
	text := string(value.Data)
	switch value.Kind {
	case unstable.Integer:
		// Base 0 reads what TOML writes, 0x1F and 1_000 included.
		if n, err := strconv.ParseInt(text, 0, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
	case unstable.Float:
		return strings.ReplaceAll(text, "_", "")
	}
	return text
}
