package api

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// AccessList says which users of the machine have which role on a Unix socket. An
// item is a user's name or number, "@GROUP" or "*", which is everybody. The first
// that matches counts, from the top; whom none matches has no role.
type AccessList struct{ Admins, Dispatchers, Clients []string }

// DefaultAccess has root and our own user for admins, and all others for clients.
func DefaultAccess() AccessList {
	return AccessList{Admins: []string{"root", strconv.Itoa(os.Geteuid())}, Clients: []string{"*"}}
}

// role is that of a user; found is nil if the machine has no name for him.
func (l AccessList) role(uid int, found *user.User, m machine) octaskly.Role {
	is := func(item string) bool { return m.matches(item, uid, found) }
	switch {
	case slices.ContainsFunc(l.Admins, is):
		return octaskly.RoleAdmin
	case slices.ContainsFunc(l.Dispatchers, is):
		return octaskly.RoleDispatcher
	case slices.ContainsFunc(l.Clients, is):
		return octaskly.RoleClient
	}
	return ""
}

// machine knows users and groups, as os/user does.
type machine struct {
	lookup  func(uid string) (*user.User, error)
	byName  func(name string) (*user.User, error)
	byGroup func(name string) (*user.Group, error)
	groups  func(*user.User) ([]string, error) // ids
}

func thisMachine() machine {
	return machine{user.LookupId, user.Lookup, user.LookupGroup, (*user.User).GroupIds}
}

// matches compares numbers: several names may have one. A name that the machine
// does not know matches nobody.
func (m machine) matches(item string, uid int, found *user.User) bool {
	if group, isGroup := strings.CutPrefix(item, "@"); isGroup {
		return m.member(group, found)
	}
	switch {
	case item == "*":
		return true
	case item == "root": // also where there is no /etc/passwd
		return uid == 0
	}
	id := strconv.Itoa(uid)
	if u, err := m.byName(item); err == nil {
		return u.Uid == id
	}
	return item == id
}

func (m machine) member(group string, found *user.User) bool {
	if found == nil {
		return false
	}
	g, err := m.byGroup(group)
	if err != nil {
		return false
	}
	ids, err := m.groups(found)
	return err == nil && slices.Contains(ids, g.Gid)
}
