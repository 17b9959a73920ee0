// Package dirs knows where each role keeps its state, listens and looks for its
// configuration when nobody says otherwise.
//
//	          state                              socket                                 configuration
//	systemd   $STATE_DIRECTORY                   $RUNTIME_DIRECTORY/ROLE.sock           $CONFIGURATION_DIRECTORY
//	root      /var/lib/octaskly/ROLE             /run/octaskly/ROLE.sock                /etc/octaskly
//	others    $XDG_STATE_HOME/octaskly/ROLE      $XDG_RUNTIME_DIR/octaskly/ROLE.sock    $XDG_CONFIG_HOME/octaskly
//
// The first row is systemd.exec(5); each variable counts for itself, and they
// speak of the role that this process is. The last row is the XDG Base
// Directory Specification 0.8, with its defaults under $HOME; a socket goes
// under $XDG_STATE_HOME where there is no trustworthy runtime directory.
// OCTASKLY_CONFIG_DIR comes before everything else in the last column.
//
// A key may also come from systemd, see [Credential].
package dirs

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Role is what an octaskly daemon is started as.
type Role string

// The roles.
const (
	Dispatcher Role = "dispatcher"
	Worker     Role = "worker"
	Executor   Role = "executor"
)

// Roles lists them in the order in which people read of them.
var Roles = []Role{Dispatcher, Worker, Executor}

// ConfigVar names the variable that moves the directory of configuration.
const ConfigVar = "OCTASKLY_CONFIG_DIR"

const systemSockets = "/run/octaskly"

var errNoHome = errors.New("neither $XDG_STATE_HOME nor $HOME is set to an absolute path")

// State returns the directory in which role keeps what must outlive it.
// It fails for an ordinary user who has no home.
func State(role Role) (string, error) { return here().state(role) }

// Socket returns the path at which role listens. It fails for an ordinary user
// who has neither a home nor a runtime directory.
func Socket(role Role) (string, error) { return here().socket(role) }

// Config returns the directory of configuration, "" for an ordinary user who
// has no home.
func Config() string { return here().config() }

// DefaultSocket returns the path at which a client finds role: the user's own
// socket, or the system's where the user has none and the system has one. It
// fails when neither has a place.
func DefaultSocket(role Role) (string, error) { return here().defaultSocket(role, systemSockets) }

// host is what the answers depend on.
type host struct {
	getenv func(string) string
	uid    int
}

func here() host { return host{os.Getenv, os.Geteuid()} }

func (h host) state(role Role) (string, error) {
	if dir := h.systemd("STATE_DIRECTORY"); dir != "" {
		return dir, nil
	}
	if h.uid == 0 {
		return filepath.Join("/var/lib/octaskly", string(role)), nil
	}
	home := h.xdg("XDG_STATE_HOME", ".local/state")
	if home == "" {
		return "", errNoHome
	}
	return filepath.Join(home, "octaskly", string(role)), nil
}

func (h host) socket(role Role) (string, error) {
	if dir := h.systemd("RUNTIME_DIRECTORY"); dir != "" {
		return filepath.Join(dir, socketName(role)), nil
	}
	// A unit with a state directory and no runtime directory of its own gets its
	// socket from a socket unit, which lives where root's would.
	if _, ok := h.runtimeDir(); !ok && h.systemd("STATE_DIRECTORY") != "" {
		return filepath.Join(systemSockets, socketName(role)), nil
	}
	return h.userSocket(role)
}

// userSocket is socket without systemd: the variables of the unit a client
// happens to run in say nothing about where the daemon is.
func (h host) userSocket(role Role) (string, error) {
	if h.uid == 0 {
		return filepath.Join(systemSockets, socketName(role)), nil
	}
	dir, ok := h.runtimeDir()
	if !ok {
		dir = h.xdg("XDG_STATE_HOME", ".local/state")
	}
	if dir == "" {
		return "", errNoHome
	}
	return filepath.Join(dir, "octaskly", socketName(role)), nil
}

func (h host) defaultSocket(role Role, system string) (string, error) {
	own, err := h.userSocket(role)
	if err == nil && isSocket(own) {
		return own, nil
	}
	if shared := filepath.Join(system, socketName(role)); isSocket(shared) {
		return shared, nil
	}
	return own, err
}

func (h host) config() string {
	if dir := cmp.Or(h.getenv(ConfigVar), h.systemd("CONFIGURATION_DIRECTORY")); dir != "" {
		return dir
	}
	if h.uid == 0 {
		return "/etc/octaskly"
	}
	if dir := h.xdg("XDG_CONFIG_HOME", ".config"); dir != "" {
		return filepath.Join(dir, "octaskly")
	}
	return ""
}

// Credential returns the path of a credential that systemd has given to this
// process (LoadCredential= of systemd.exec(5)), or "" if there is none or it is
// blank, as where a unit sets it only as a fallback (systemd 252 takes nothing
// shorter than a line).
func Credential(name string) string { return here().credential(name) }

func (h host) credential(name string) string {
	dir := h.systemd("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, name)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() <= 1 {
		return ""
	}
	return path
}

// systemd returns the first directory of a variable that may list several.
func (h host) systemd(name string) string {
	dir, _, _ := strings.Cut(h.getenv(name), ":")
	return absolute(dir)
}

func (h host) xdg(name, underHome string) string {
	if dir := absolute(h.getenv(name)); dir != "" {
		return dir
	}
	if home := absolute(h.getenv("HOME")); home != "" {
		return filepath.Join(home, underHome)
	}
	return ""
}

// runtimeDir returns $XDG_RUNTIME_DIR if it keeps the specification's promise
// that nobody else can put a socket there. After su or sudo it names a
// directory of somebody else.
func (h host) runtimeDir() (string, bool) {
	dir := absolute(h.getenv("XDG_RUNTIME_DIR"))
	return dir, dir != "" && ownedBy(dir, h.uid)
}

// absolute returns "" for a relative path, which both specifications ignore.
func absolute(dir string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

func socketName(role Role) string { return string(role) + ".sock" }
