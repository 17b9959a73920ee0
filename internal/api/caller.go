package api

import (
	"fmt"
	"net/http"
	"os/user"
	"strconv"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// caller finds out who makes a request: by the process at the other end of a Unix
// socket, else by a token. It has no name where that is not known.
func (h *Handler) caller(r *request) (Caller, error) {
	c := connectionOf(r.Context())
	who := stranger(c)
	var err error
	if c.door == unixDoor {
		err = h.local(r.Request, &who)
	} else {
		err = h.remote(r, &who)
	}
	who.Admin = auth.Of(who.Role).Allows(auth.AllTasks)
	return who, err
}

// stranger is somebody of whom only the connection is known.
func stranger(c connection) Caller { return Caller{UID: c.peer.uid, From: c.peer.String()} }

func (h *Handler) local(r *http.Request, who *Caller) error {
	if _, sent := r.Header["Authorization"]; sent {
		return fmt.Errorf("cannot take a token on a Unix socket, where the user of the process is who counts; use it over HTTPS: %w", octaskly.ErrUnknown)
	}
	if who.UID >= 0 {
		u := h.names.of(who.UID)
		who.Name, who.Role = u.name, u.role
	}
	return nil
}

func (h *Handler) remote(r *request, who *Caller) error {
	token, err := bearer(r.Header)
	if err != nil {
		return err
	}
	id, err := h.authenticate(r, token)
	if err != nil {
		return err
	}
	h.known.Add(token, time.Now())
	who.Name, who.Role, who.Token = id.User, id.Role, id.Token
	return nil
}

// authenticate asks whoever knows tokens here.
func (h *Handler) authenticate(r *request, token string) (*Identity, error) {
	switch {
	case h.accounts != nil:
		return h.accounts.Authenticate(r.Context(), token)
	case h.gate != nil:
		from := connectionOf(r.Context()).peer.String()
		return h.gate.Identify(r.Context(), token, Visit{from, r.route.action, r.route.permission})
	}
	return nil, fmt.Errorf("cannot take a token: this daemon knows none: %w", octaskly.ErrUnknown)
}

// userNames remembers names and roles of users for a while: to find one is to
// read /etc/passwd, for each request.
type userNames struct {
	machine
	access AccessList
	mu     sync.Mutex
	known  map[int]userName // guarded by mu
}

type userName struct {
	name  string
	role  octaskly.Role
	until time.Time
}

const (
	nameTrust    = time.Minute // a uid may be given to somebody else
	maxUserNames = 1024
)

func newUserNames(access AccessList) *userNames {
	return &userNames{machine: thisMachine(), access: access, known: map[int]userName{}}
}

// of is the name of a user, or "uid:N" where the host has none, and his role.
func (u *userNames) of(uid int) userName {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if known, ok := u.known[uid]; ok && now.Before(known.until) {
		return known
	}
	if len(u.known) >= maxUserNames {
		clear(u.known)
	}
	name := u.find(uid)
	name.until = now.Add(nameTrust)
	u.known[uid] = name
	return name
}

func (u *userNames) find(uid int) userName {
	id := strconv.Itoa(uid)
	var known *user.User
	name := "uid:" + id
	if found, err := u.lookup(id); err == nil && found.Username != "" {
		known, name = found, found.Username
	}
	return userName{name: name, role: u.access.role(uid, known, u.machine)}
}
