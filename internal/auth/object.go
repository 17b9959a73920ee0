package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

var errNotObject = errors.New("it is not one JSON object")

// object is a JSON object of which nothing was guessed: encoding/json would take
// "EXP" for "exp", and the last of two that have one name.
type object map[string]json.RawMessage

func parseObject(text []byte) (object, error) {
	if o, ok := parsePlain(string(text)); ok {
		return o, nil
	}
	return parseAny(text)
}

func parseAny(text []byte) (object, error) {
	if !utf8.Valid(text) {
		return nil, errNotObject
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errNotObject
	}
	o := object{}
	for decoder.More() {
		if err := o.member(decoder); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errNotObject
	}
	return o, nil
}

func (o object) member(decoder *json.Decoder) error {
	token, err := decoder.Token()
	name, ok := token.(string)
	if err != nil || !ok {
		return errNotObject
	}
	if _, twice := o[name]; twice {
		return fmt.Errorf("it has %.40q twice", name)
	}
	var value json.RawMessage
	if err := decoder.Decode(&value); err != nil {
		return errNotObject
	}
	o[name] = value
	return nil
}

// text returns a member that must be a string of 1 to max bytes.
func (o object) text(name string, max int) (string, error) {
	value, ok := o[name]
	if !ok {
		return "", fmt.Errorf("it has no %s", name)
	}
	text, err := unquoted(value)
	if err != nil || text == "" || len(text) > max {
		return "", fmt.Errorf("its %s is not a text of 1 to %d bytes", name, max)
	}
	return text, nil
}

func unquoted(value json.RawMessage) (text string, err error) {
	if plain, rest, ok := plainText(string(value)); ok && rest == "" {
		return plain[1 : len(plain)-1], nil
	}
	err = json.Unmarshal(value, &text)
	return text, err
}

const lastSecond = 253402300799 // of the year 9999

// seconds returns a member that must be a whole number of seconds since 1970.
func (o object) seconds(name string) (int64, error) {
	value, ok := o[name]
	if !ok {
		return 0, fmt.Errorf("it has no %s", name)
	}
	seconds, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return 0, fmt.Errorf("its %s is not a time in whole seconds", name)
	}
	return seconds, nil
}
