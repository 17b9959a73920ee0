package config

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/octaskly/octaskly/internal/dirs"
)

// Common is what every role is told.
type Common struct {
	// StateDir is the directory of everything that must outlive the daemon.
	// Default: see package dirs.
	StateDir string `toml:"state_dir"`
	// LogLevel is the least level that is logged: debug, info, warn or error.
	// Default: info.
	LogLevel LogLevel `toml:"log_level"`
	// LogFormat is text or json. Default: text.
	LogFormat string `toml:"log_format"`

	origins map[string]Origin
}

// newCommon leaves empty what has no default here; check says so if nobody
// else fills it in.
func newCommon(role dirs.Role) Common {
	c := Common{LogFormat: "text", origins: map[string]Origin{}}
	c.StateDir, _ = dirs.State(role)
	return c
}

// Origin says where the value of key comes from.
func (c *Common) Origin(key string) Origin {
	if origin, ok := c.origins[key]; ok {
		return origin
	}
	return builtInOrigin
}

// uses reports whether key may be given, considering the values of the others.
func (c *Common) uses(string) bool { return true }

// Given reports whether anybody gave a value for key.
func (c *Common) Given(key string) bool {
	_, ok := c.origins[key]
	return ok
}

func (c *Common) common() *Common { return c }

func (c *Common) check(l *loader) {
	l.path("state_dir", &c.StateDir)
	l.require("log_format", oneOf(c.LogFormat, "text", "json"))
}

// keyCredential is the path of the fleet key that systemd has given us, if it has.
// It comes before what is built in and after everything else.
func (c *Common) keyCredential() string { return c.credential("fleet.key", "join_key_file") }

// credential is the path of a file that systemd has given us for key.
func (c *Common) credential(name, key string) string {
	path := dirs.Credential(name)
	if path != "" {
		c.origins[key] = credentialOrigin
	}
	return path
}

var credentialOrigin = Origin{Name: "systemd credential"}

// builtInOrigin is where a value comes from that nobody gave.
var builtInOrigin = Origin{Name: "built in"}

// LogLevel is a slog.Leveler with the four names that a file may use.
type LogLevel slog.Level

// Level makes a slog.Leveler of it.
func (l LogLevel) Level() slog.Level { return slog.Level(l) }

// MarshalText returns "debug", "info", "warn" or "error".
func (l LogLevel) MarshalText() ([]byte, error) {
	return []byte(strings.ToLower(l.Level().String())), nil
}

// UnmarshalText reads what MarshalText writes, in any case.
func (l *LogLevel) UnmarshalText(text []byte) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(string(text), level.String()) {
			*l = LogLevel(level)
			return nil
		}
	}
	return fmt.Errorf("cannot read level %.40q: it is none of debug, info, warn and error", text)
}
