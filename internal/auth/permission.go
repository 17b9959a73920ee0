package auth

import "github.com/octaskly/octaskly/internal/octaskly"

// Permission is a set of things that somebody may do.
type Permission uint32

// The permissions.
const (
	Submit        Permission = 1 << iota // tasks of his own
	ReadTasks                            // of his own
	ChangeTasks                          // of his own: cancel, signal, retry
	AllTasks                             // the three above reach what others own
	ReadWorkers                          // who is there
	ChangeWorkers                        // drain, resume, remove
	ReadStats                            //
	ReadMetrics                          //
	ManageUsers                          // users, their passwords, roles and quotas; keys
	OwnTokens                            // for himself, with his role or less
	AllTokens                            // of all users
	ReadAudit                            //
)

// everything that there is.
const everything = ReadAudit<<1 - 1

// permissions of each role.
var permissions = map[octaskly.Role]Permission{
	octaskly.RoleAdmin:      everything,
	octaskly.RoleDispatcher: Submit | ReadTasks | ChangeTasks | AllTasks | ReadWorkers | ChangeWorkers | ReadStats | ReadMetrics | OwnTokens,
	octaskly.RoleWorker:     0,
	octaskly.RoleClient:     Submit | ReadTasks | ChangeTasks | ReadWorkers | ReadStats | OwnTokens,
}

// Of is what a role permits; a role that there is not permits nothing.
func Of(role octaskly.Role) Permission { return permissions[role] }

// Allows reports whether all of what is asked for is in p.
func (p Permission) Allows(what Permission) bool { return p&what == what }
