package api

import (
	"context"
	"net"
	"os"
	"os/user"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// connection is what is known of a connection from its start.
type connection struct {
	uid      int             // of the process that connected; -1: not known
	stopping context.Context // done when the daemon stops
	over     bool            // its user has too many
}

type connectionKey struct{}

// connectionOf is the one that ctx, a request's, came in by.
func connectionOf(ctx context.Context) connection {
	if c, ok := ctx.Value(connectionKey{}).(connection); ok {
		return c
	}
	return connection{uid: -1, stopping: context.Background()}
}

// peerUID asks the kernel who connected, see SO_PEERCRED in unix(7). It is -1
// where that cannot be known, as over TCP.
func peerUID(conn net.Conn) int {
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return -1
	}
	raw, err := local.SyscallConn()
	if err != nil {
		return -1
	}
	uid := -1
	err = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	if err != nil {
		return -1
	}
	return uid
}

// caller has no name where it is not known who calls.
func (h *Handler) caller(ctx context.Context) Caller {
	uid := connectionOf(ctx).uid
	if uid < 0 {
		return Caller{UID: uid}
	}
	return Caller{Name: h.names.of(uid), UID: uid, Admin: uid == 0 || uid == os.Geteuid()}
}

// userNames remembers names of users for a while: to find one is to read
// /etc/passwd, for each request.
type userNames struct {
	lookup func(uid string) (*user.User, error)
	mu     sync.Mutex
	known  map[int]userName // guarded by mu
}

type userName struct {
	name  string
	until time.Time
}

const (
	nameTrust    = time.Minute // a uid may be given to somebody else
	maxUserNames = 1024
)

func newUserNames() *userNames {
	return &userNames{lookup: user.LookupId, known: map[int]userName{}}
}

// of is the name of a user, or "uid:N" where the host has none.
func (u *userNames) of(uid int) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if known, ok := u.known[uid]; ok && now.Before(known.until) {
		return known.name
	}
	id := strconv.Itoa(uid)
	name := "uid:" + id
	if found, err := u.lookup(id); err == nil && found.Username != "" {
		name = found.Username
	}
	if len(u.known) >= maxUserNames {
		clear(u.known)
	}
	u.known[uid] = userName{name, now.Add(nameTrust)}
	return name
}
