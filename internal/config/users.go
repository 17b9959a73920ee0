package config

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
)

var (
	errRoot     = errors.New("commands never run as root: whoever may submit one would own the machine; name a user of their own")
	errTooClose = errors.New("it is the worker's user: every command could give orders to the executor; name a user of their own")
)

// machine knows who we are and who else there is.
type machine struct {
	uid    int
	name   func() string // ours
	lookup func(name string) (*user.User, error)
	etc    string // directory of the files of accounts
}

// here is changed by nobody but tests.
var here = machine{os.Geteuid(), ownName, user.Lookup, "/etc"}

// ownName is a number for who has no name.
func ownName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Geteuid())
}

// find returns the uid of a user.
func (m machine) find(name string) (uid int, err error) {
	if name == "" {
		return 0, errEmpty
	}
	if name == m.name() {
		return m.uid, nil
	}
	u, err := m.lookup(name)
	if errors.As(err, new(user.UnknownUserError)) {
		return 0, fmt.Errorf("there is no user %.40q; make it with systemd-sysusers or name another", name)
	}
	if err == nil {
		uid, err = strconv.Atoi(u.Uid)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot look for user %.40q: %w", name, err)
	}
	return uid, nil
}

// mayRunAs refuses a user that commands must not, or cannot, run as.
func (m machine) mayRunAs(uid int) error {
	switch {
	case uid == 0:
		return errRoot
	case m.uid != 0 && uid != m.uid:
		return fmt.Errorf("an executor of user %q cannot run commands as another one: that takes root", m.name())
	}
	return nil
}
