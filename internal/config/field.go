package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// field is one key of a configuration and the place of its value. Its type is
// a string, an int, a list of strings, or one that reads and writes itself as
// text.
type field struct {
	key   string
	value reflect.Value
}

// fieldsOf lists the fields of the struct that cfg points to, those of nested
// tables included. A field without a toml tag is no key.
func fieldsOf(cfg any) []field {
	return appendFields(nil, "", reflect.ValueOf(cfg).Elem())
}

func appendFields(fields []field, prefix string, table reflect.Value) []field {
	for info, value := range table.Fields() {
		name := info.Tag.Get("toml")
		switch {
		case info.Anonymous:
			fields = appendFields(fields, prefix, value)
		case name == "":
		case value.Kind() == reflect.Struct:
			fields = appendFields(fields, prefix+name+".", value)
		default:
			fields = append(fields, field{prefix + name, value})
		}
	}
	return fields
}

// isText reports whether the value reads itself from text.
func (f field) isText() bool {
	return f.value.Addr().Type().Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (f field) isList() bool { return f.value.Kind() == reflect.Slice }

// texts are the strings in the field.
func (f field) texts() []string {
	switch v := f.value.Interface().(type) {
	case string:
		return []string{v}
	case []string:
		return v
	}
	return nil
}

// setList replaces a list. An empty one is nil, wherever it is from.
func (f field) setList(texts []string) {
	if len(texts) == 0 {
		texts = nil
	}
	f.value.Set(reflect.ValueOf(texts))
}

// set reads text into the field. After an error its value is what it was.
func (f field) set(text string) error {
	if f.isList() {
		f.setList(splitList(text))
		return nil
	}
	value := reflect.New(f.value.Type())
	if reader, ok := value.Interface().(encoding.TextUnmarshaler); ok {
		if err := reader.UnmarshalText([]byte(text)); err != nil {
			return err
		}
	} else if f.value.Kind() == reflect.String {
		value.Elem().SetString(text)
	} else {
		n, err := strconv.ParseInt(text, 10, f.value.Type().Bits())
		if err != nil {
			return notWhole(text, err)
		}
		value.Elem().SetInt(n)
	}
	f.value.Set(value.Elem())
	return nil
}

// splitList reads a list as PATH is one. What holds a colon needs a file.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ":")
}

func notWhole(text string, err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("cannot read number %.40q: it is too large", text)
	}
	return fmt.Errorf("cannot read number %.40q: it is no whole number", text)
}

// toml writes the field's value as a file would. Strings are free of control
// characters (loader.check), so what Go quotes is TOML.
func (f field) toml() (string, error) {
	switch v := f.value.Interface().(type) {
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		return strconv.Quote(string(text)), err
	case string:
		return strconv.Quote(v), nil
	case []string:
		return quoteList(v), nil
	default:
		return fmt.Sprint(v), nil
	}
}

func quoteList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
