package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/dirs"
)

var errEmpty = errors.New("it is empty")

// check looks at the values that came out on top, whatever layer they are from.
func (l *loader) check(cfg Config) {
	for _, f := range l.fields {
		for _, text := range f.texts() {
			l.require(f.key, printable(text))
		}
	}
	cfg.check(l)
}

// require complains about key's value unless err is nil.
func (l *loader) require(key string, err error) {
	if err == nil {
		return
	}
	origin, ok := l.origins[key]
	if !ok {
		origin = builtInOrigin
		err = fmt.Errorf("%w; give it by --%s, %s or a file", err, FlagName(key), EnvName(key))
	}
	l.complain(origin, key, "%v", err)
}

// path makes a path absolute.
func (l *loader) path(key string, path *string) {
	err := l.fits(key, *path)
	if err == nil {
		*path, err = filepath.Abs(*path)
	}
	l.require(key, err)
}

// fits refuses a relative path in a file: where a daemon is started says
// nothing about what its file means.
func (l *loader) fits(key, path string) error {
	switch {
	case path == "":
		return errEmpty
	case l.origins[key].Line > 0 && !filepath.IsAbs(path):
		return fmt.Errorf("%q is not absolute", path)
	}
	return nil
}

// socket leaves a relative path as it is: it may be the only one short enough.
func (l *loader) socket(key, path string) {
	err := l.fits(key, path)
	if err == nil {
		err = dirs.CheckSocket(path)
	}
	l.require(key, err)
}

func (l *loader) optionalPath(key string, path *string) {
	if *path != "" {
		l.path(key, path)
	}
}

// maxPaths bounds a list of paths.
const maxPaths = 64

func (l *loader) paths(key string, paths []string) {
	if len(paths) > maxPaths {
		l.require(key, fmt.Errorf("it lists %d paths, %d are allowed", len(paths), maxPaths))
		return
	}
	for i := range paths {
		l.path(key, &paths[i])
	}
}

// printable refuses what cannot be shown in a file, or was never meant.
func printable(text string) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%.200q has bytes that are no text", text)
	}
	return nil
}

func oneOf(text string, allowed ...string) error {
	if slices.Contains(allowed, text) {
		return nil
	}
	return fmt.Errorf("%.40q is none of %s", text, strings.Join(allowed, ", "))
}

// count is a whole number that writes itself as one.
type count int64

func (c count) String() string { return strconv.FormatInt(int64(c), 10) }

func within[T interface {
	cmp.Ordered
	fmt.Stringer
}](value, least, most T) error {
	if value < least || value > most {
		return fmt.Errorf("%v is not from %v to %v", value, least, most)
	}
	return nil
}

// noneOrWithin takes 0, too, which is no bound.
func noneOrWithin[T interface {
	cmp.Ordered
	fmt.Stringer
}](value, least, most T) error {
	var none T
	if err := within(value, least, most); err != nil && value != none {
		return fmt.Errorf("%w, nor %v for no bound", err, none)
	}
	return nil
}

// name checks what becomes part of messages and, one day, of file names.
func name(text string) error {
	plain := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("._-", c)
	}
	switch {
	case text == "":
		return errEmpty
	case len(text) > 64:
		return fmt.Errorf("%.64q… has %d bytes, 64 are allowed", text, len(text))
	case text[0] == '.' || text[0] == '-' || strings.ContainsFunc(text, func(c rune) bool { return !plain(c) }):
		return fmt.Errorf("%q is no name: letters, digits and ._- make one, and it does not begin with . or -", text)
	}
	return nil
}

func listenAddress(address string) error {
	_, _, err := splitAddress(address)
	return err
}

// remoteAddress accepts "" too, and no port 0: nobody listens there.
func remoteAddress(address string) error {
	if address == "" {
		return nil
	}
	host, port, err := splitAddress(address)
	if err == nil && (host == "" || port == 0) {
		err = errAddress(address)
	}
	return err
}

func splitAddress(address string) (host string, port uint64, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.ParseUint(digits, 10, 16)
	}
	if err != nil {
		return "", 0, errAddress(address)
	}
	return host, port, nil
}

func errAddress(address string) error {
	return fmt.Errorf("%.200q is not HOST:PORT, as in 192.0.2.7:7878, [2001:db8::7]:7878 or queue.example:7878", address)
}
