package api

import (
	"net"
	"os"
	"os/user"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestPeer asks the kernel about ourselves.
func TestPeer(t *testing.T) {
	var asked string
	server := startReal(t, newHandler(&fake{asked: func(s string) { asked = s }}), usual)
	server.get("/api/v1/stats").Body.Close()
	me := "uid:" + strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil {
		me = u.Username
	}
	if asked != "stats "+me {
		t.Errorf("asked %q, and I am %s", asked, me)
	}
}

func TestPeerUnknown(t *testing.T) {
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	if uid := peerUID(one); uid != -1 {
		t.Errorf("the uid is %d", uid)
	}
	closed, err := net.ListenUnix("unix", &net.UnixAddr{Name: t.TempDir() + "/s", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	conn, err := net.Dial("unix", closed.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if uid := peerUID(conn); uid != -1 {
		t.Errorf("the uid at the end of a closed connection is %d", uid)
	}
}

func TestAdmin(t *testing.T) {
	h := newHandler(&fake{})
	admin := os.Geteuid() == ann
	for uid, want := range map[int]Caller{
		-1:  {UID: -1, From: "unix"},
		0:   {Name: "root", UID: 0, Role: octaskly.RoleAdmin, Admin: true, From: "unix uid=0"},
		ann: {Name: "ann", UID: ann, Role: octaskly.RoleClient, Admin: admin, From: "unix uid=54321"},
	} {
		if got, err := h.caller(&request{Request: newRequest(uid, "GET", "/", "")}); got != want || err != nil {
			t.Errorf("uid %d is %+v, %v, want %+v", uid, got, err, want)
		}
	}
	if me, err := h.caller(&request{Request: newRequest(os.Geteuid(), "GET", "/", "")}); !me.Admin || err != nil {
		t.Errorf("%+v is no admin of its own daemon: %v", me, err)
	}
}

func TestUserNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lookups := 0
		names := newUserNames(AccessList{Clients: []string{"*"}})
		names.lookup = func(uid string) (*user.User, error) {
			lookups++
			if uid != "7" {
				return nil, user.UnknownUserIdError(8)
			}
			return &user.User{Username: "seven"}, nil
		}
		for range 3 {
			if seven, eight := names.of(7).name, names.of(8).name; seven != "seven" || eight != "uid:8" {
				t.Fatal(seven, eight)
			}
		}
		if lookups != 2 {
			t.Errorf("%d lookups of two users", lookups)
		}
		time.Sleep(nameTrust)
		if names.of(7); lookups != 3 {
			t.Error("a name is trusted for ever")
		}
		for uid := range 3 * maxUserNames {
			names.of(uid)
		}
		if n := len(names.known); n > maxUserNames {
			t.Errorf("%d names are remembered", n)
		}
	})
}
