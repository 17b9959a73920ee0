package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds a file, in bytes.
const maxFile = 64 << 10

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
	}
	return data, err
}

// document lays a file over the values there are.
func (l *loader) document(path string, data []byte) {
	entries, err := parse(path, data)
	if err != nil {
		l.problems = append(l.problems, err)
		return
	}
	refused := "" // the table that was complained about last: what is in it follows
	for _, e := range entries {
		if refused != "" && strings.HasPrefix(e.key, refused+".") {
			continue
		}
		if !l.entry(e) && e.isTable() {
			refused = e.key
		}
	}
}

// entry applies one entry and reports whether its key may be what it is.
func (l *loader) entry(e entry) bool {
	f, isField := l.field(e.key)
	switch {
	case isField && f.isList() && e.kind == unstable.Array && e.odd == 0:
		f.setList(e.list)
		l.origins[f.key] = e.origin
		return true
	case isField && f.isList() && e.kind == unstable.Array:
		l.complain(e.origin, e.key, "want %s, not one with %s", f.wants(), kindNames[e.odd])
	case isField && f.takes(e.kind):
		l.set(f, e.text, e.origin)
		return true
	case isField:
		l.complain(e.origin, e.key, "want %s, not %s", f.wants(), kindNames[e.kind])
	case !l.isTable(e.key):
		l.unknown(e)
	case e.kind != unstable.Table:
		l.complain(e.origin, e.key, "want a table, not %s", kindNames[e.kind])
	default:
		return true
	}
	return false
}

func (l *loader) unknown(e entry) {
	what := "key"
	if e.isTable() {
		what = "table"
	}
	why := "there is no such " + what
	if near := nearest(e.key, l.names(what)); near != "" {
		why += fmt.Sprintf("; did you mean %s?", near)
	}
	l.complain(e.origin, e.key, "%s", why)
}

// names lists the keys or the tables there are.
func (l *loader) names(what string) []string {
	var names []string
	for _, f := range l.fields {
		table, _, nested := strings.Cut(f.key, ".")
		if what == "key" {
			names = append(names, f.key)
		} else if nested {
			names = append(names, table)
		}
	}
	return names
}

func (f field) takes(kind unstable.Kind) bool {
	if f.isList() {
		return false
	}
	number := kind == unstable.Integer
	if f.isText() {
		return kind == unstable.String || kind == unstable.Float || number
	}
	switch f.value.Kind() {
	case reflect.String:
		return kind == unstable.String
	case reflect.Bool:
		return kind == unstable.Bool
	}
	return number
}

func (f field) wants() string {
	if f.isList() {
		return "an array of strings"
	}
	if f.isText() || f.value.Kind() == reflect.String {
		return "a string"
	}
	if f.isSwitch() {
		return "true or false"
	}
	return "a whole number"
}

var kindNames = map[unstable.Kind]string{
	unstable.Table:         "a table",
	unstable.InlineTable:   "a table",
	unstable.ArrayTable:    "an array of tables",
	unstable.Array:         "an array",
	unstable.String:        "a string",
	unstable.Bool:          "a boolean",
	unstable.Float:         "a fraction",
	unstable.Integer:       "a whole number",
	unstable.LocalDate:     "a date",
	unstable.LocalTime:     "a time",
	unstable.LocalDateTime: "a date and time",
	unstable.DateTime:      "a date and time",
}
