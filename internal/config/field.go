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
// a string, a bool, an int, a list of strings, or one that reads and writes itself
// as text.
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

func (f field) isSwitch() bool { return f.value.Kind() == reflect.Bool }

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
	var err error
	if reader, ok := value.Interface().(encoding.TextUnmarshaler); ok {
		err = reader.UnmarshalText([]byte(text))
	} else {
		err = setPlain(value.Elem(), text)
	}
	if err == nil {
		f.value.Set(value.Elem())
	}
	return err
}

func setPlain(value reflect.Value, text string) error {
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("cannot read %.40q: it is neither true nor false", text)
		}
		value.SetBool(text == "true")
	default:
		n, err := strconv.ParseInt(text, 10, value.Type().Bits())
		if err != nil {
			return notWhole(text, err)
		}
		value.SetInt(n)
	}
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
