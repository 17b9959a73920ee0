package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/dirs"
)

// Sources are what a caller adds to the files of this machine and the
// environment of this process.
type Sources struct {
	// File is read instead of the role's file and its drop-ins. It must exist.
	File string
	// Flags holds the text of each flag that was given, by key.
	Flags map[string]string
}

// loader puts the layers upon each other, from the lowest to the highest, and
// gathers what is wrong with them.
type loader struct {
	fields   []field
	origins  map[string]Origin
	problems []error
}

func newLoader(cfg Config) *loader {
	return &loader{fields: fieldsOf(cfg), origins: cfg.common().origins}
}

func load(role dirs.Role, cfg Config, src Sources) error {
	l := newLoader(cfg)
	if src.File != "" {
		l.file(src.File, true)
	} else {
		l.directory(dirs.Config(), role)
	}
	l.environment()
	l.flags(src.Flags)
	l.check(cfg)
	return joined(l.problems)
}

func (l *loader) complain(origin Origin, key, format string, args ...any) {
	l.problems = append(l.problems, &Problem{origin, key, fmt.Sprintf(format, args...)})
}

// directory reads the role's file and its drop-ins.
func (l *loader) directory(dir string, role dirs.Role) {
	if dir == "" {
		return
	}
	if _, err := os.Stat(dir); os.Getenv(dirs.ConfigVar) != "" && errors.Is(err, fs.ErrNotExist) {
		l.complain(Origin{Name: dirs.ConfigVar}, "", "there is no directory %q", dir)
		return
	}
	l.file(filepath.Join(dir, string(role)+".toml"), false)
	dropIns := filepath.Join(dir, string(role)+".d")
	entries, err := os.ReadDir(dropIns) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.complain(Origin{Name: dropIns}, "", "cannot read it: %v", cause(err))
	}
	for _, e := range entries {
		// Hidden ones are what editors leave behind.
		if name := e.Name(); filepath.Ext(name) == ".toml" && name[0] != '.' {
			l.file(filepath.Join(dropIns, name), true)
		}
	}
}

func (l *loader) file(path string, mustExist bool) {
	data, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !mustExist:
	case err != nil:
		l.complain(Origin{Name: path}, "", "cannot read it: %v", cause(err))
	default:
		l.document(path, data)
	}
}

func (l *loader) environment() {
	for _, f := range l.fields {
		name := EnvName(f.key)
		if text := os.Getenv(name); text != "" {
			l.set(f, text, Origin{Name: name})
		}
	}
}

func (l *loader) flags(texts map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		origin := Origin{Name: "--" + FlagName(key)}
		if f, ok := l.field(key); ok {
			l.set(f, texts[key], origin)
		} else {
			l.complain(origin, key, "there is no such key")
		}
	}
}

func (l *loader) set(f field, text string, origin Origin) {
	if err := f.set(text); err != nil {
		l.complain(origin, f.key, "%v", err)
		return
	}
	l.origins[f.key] = origin
}

func (l *loader) field(key string) (field, bool) {
	i := slices.IndexFunc(l.fields, func(f field) bool { return f.key == key })
	if i < 0 {
		return field{}, false
	}
	return l.fields[i], true
}

// isTable reports whether fields lie in a table of this name.
func (l *loader) isTable(name string) bool {
	return slices.ContainsFunc(l.fields, func(f field) bool { return strings.HasPrefix(f.key, name+".") })
}

// cause strips the path, which the problem names already.
func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}
