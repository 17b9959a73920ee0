package accounts

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

func TestTheft(t *testing.T) {
	tests := map[string]struct {
		wait    time.Duration // until the other comes with it
		restart bool
		ends    bool
	}{
		"at once":             {wait: 0},
		"in the grace":        {wait: grace},
		"after the grace":     {wait: grace + time.Second, ends: true},
		"much later":          {wait: 29 * day, ends: true},
		"after a restart":     {wait: time.Hour, restart: true, ends: true},
		"grace and a restart": {wait: time.Second, restart: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.user("ann", octaskly.RoleClient)
				first := r.login("ann")
				time.Sleep(time.Hour)
				second, err := r.refresh(first.Refresh)
				r.must(err)
				time.Sleep(test.wait)
				if test.restart {
					r.restart()
				}
				again, err := r.refresh(first.Refresh)
				if !test.ends {
					r.must(err)
					r.enters(again.Access, octaskly.RoleClient)
					return
				}
				if err != errRefresh {
					t.Fatalf("error is %v", err)
				}
				r.stays(second.Access)
				_, err = r.refresh(second.Refresh)
				r.refused(err, octaskly.ErrUnknown)
				rows := r.store.rows("session.refresh")
				if len(rows) != 1 || rows[0].Outcome != "theft" || rows[0].Who != "ann" || rows[0].From != "192.0.2.1" {
					t.Errorf("the audit log says %+v", rows)
				}
			})
		})
	}
}

// The grace accepts a former secret once, and is over 10 s after its first use, whatever
// follows: else two could share a session by handing on who is next.
func TestGraceIsOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		first := r.login("ann")
		time.Sleep(time.Hour)
		second, err := r.refresh(first.Refresh)
		r.must(err)
		time.Sleep(grace / 2)
		third, err := r.refresh(first.Refresh)
		r.must(err)
		_, err = r.refresh(first.Refresh)
		r.refused(err, octaskly.ErrUnknown)
		r.enters(third.Access, octaskly.RoleClient) // which ends nothing
		time.Sleep(grace/2 + time.Second)
		_, err = r.refresh(second.Refresh) // whoever has had that answer
		r.refused(err, octaskly.ErrUnknown)
		r.stays(third.Access)
	})
}

// A secret that is none ends nothing, even if it names a session.
func TestForgedRefresh(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s := r.login("ann")
		id := r.caller(s.Access).Token
		forged := refreshPrefix + base64.RawURLEncoding.EncodeToString([]byte(id+strings.Repeat("x", secretSize)))
		for _, token := range []string{
			"", "ort_", forged, s.Refresh[:len(s.Refresh)-1], s.Refresh + "A", s.Refresh + "\n", strings.TrimPrefix(s.Refresh, "ort_"),
			"ORT_" + s.Refresh[4:], s.Access, strings.Repeat("a", 1<<20),
		} {
			if _, err := r.refresh(token); err != errRefresh {
				t.Errorf("%.40q: %v", token, err)
			}
		}
		_, err := r.refresh(s.Refresh)
		r.must(err)
	})
}

func TestRefreshIsLessened(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleAdmin)
	s := r.login("ann")
	row := r.book.users["ann"]
	lower := *row
	lower.Role = octaskly.RoleClient
	r.book.users["ann"] = &lower // as if only the user had changed
	s, err := r.refresh(s.Refresh)
	r.must(err)
	if s.Role != octaskly.RoleClient {
		t.Errorf("the role is %s", s.Role)
	}
	r.enters(s.Access, octaskly.RoleClient)
}

// Many who refresh at once with one secret: two get in, by the grace.
func TestRefreshRace(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	first := r.login("ann")
	var parts sync.WaitGroup
	got := make(chan string, 20)
	for range cap(got) {
		parts.Go(func() {
			s, err := r.refresh(first.Refresh)
			if err == nil {
				got <- s.Refresh
			}
		})
	}
	parts.Wait()
	close(got)
	var tokens []string
	for token := range got {
		tokens = append(tokens, token)
	}
	if len(tokens) != 2 || tokens[0] == tokens[1] {
		t.Fatalf("%d have got a session", len(tokens))
	}
}

// oldForm is what an earlier version would have made of a refresh token.
func oldForm(token string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, refreshPrefix))
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(raw[:idSize+secretSize])
}

// However often a thief has refreshed meanwhile, the victim's token ends the session.
func TestOldTheft(t *testing.T) {
	for name, shown := range map[string]int{"first of all": 0, "one before the last": 3} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.user("ann", octaskly.RoleClient)
			tokens := []string{r.login("ann").Refresh}
			var last *api.Session
			for i := range 5 {
				var err error
				last, err = r.refresh(tokens[i])
				r.must(err)
				tokens = append(tokens, last.Refresh)
			}
			r.restart()
			_, err := r.refresh(tokens[shown])
			r.refused(err, octaskly.ErrUnknown)
			r.stays(last.Access)
			_, err = r.refresh(last.Refresh)
			r.refused(err, octaskly.ErrUnknown)
			rows := r.store.rows("session.refresh")
			if len(rows) != 1 || rows[0].Outcome != "theft" || rows[0].Who != "ann" || rows[0].Target != rows[0].Token {
				t.Errorf("the audit log says %+v", rows)
			}
			if said := r.log.String(); !strings.Contains(said, "level=WARN") || !strings.Contains(said, "user=ann session="+rows[0].Target) {
				t.Errorf("the log says %s", said)
			}
		})
	}
}

// What the first use was answered with is good no longer after a second in the grace.
func TestGraceHasOneSuccessor(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	first := r.login("ann")
	second, err := r.refresh(first.Refresh)
	r.must(err)
	third, err := r.refresh(first.Refresh)
	r.must(err)
	_, err = r.refresh(second.Refresh)
	r.refused(err, octaskly.ErrUnknown)
	r.stays(third.Access)
	_, err = r.refresh(third.Refresh)
	r.refused(err, octaskly.ErrUnknown)
}

// A token of an earlier version has no seal. It is good until it is used.
func TestOldFormOfRefreshTokens(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		first := oldForm(r.login("ann").Refresh)
		time.Sleep(time.Hour)
		second, err := r.refresh(first)
		r.must(err)
		third, err := r.refresh(second.Refresh)
		r.must(err)
		_, err = r.refresh(first) // nobody knows whether that is one
		r.refused(err, octaskly.ErrUnknown)
		r.enters(third.Access, octaskly.RoleClient)
	})
}

// With another's seal, or none, who knows of a session cannot end it.
func TestForgedSeal(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	s := r.login("ann")
	id := r.caller(s.Access).Token
	forged, _ := newSecrets(security.NewKeys(security.GenerateKey())).create(id)
	changed := []byte(s.Refresh)
	changed[40] ^= 1
	for _, token := range []string{forged, oldForm(forged), string(changed), s.Refresh[:len(s.Refresh)-4] + "AAAA"} {
		_, err := r.refresh(token)
		r.refused(err, octaskly.ErrUnknown)
	}
	_, err := r.refresh(s.Refresh)
	r.must(err)
}

func FuzzParseSecret(f *testing.F) {
	s := newSecrets(security.NewKeys(security.GenerateKey()))
	token, _ := s.create(newID())
	f.Add(token)
	f.Add(oldForm(token))
	f.Add("ort_")
	f.Fuzz(func(t *testing.T, text string) {
		read, ok := s.parse(text)
		if !ok {
			return
		}
		if len(read.id) != idSize || len(read.sum) != 32 || !strings.HasPrefix(text, refreshPrefix) || read.ours && text != token {
			t.Fatalf("%q is read as %+v", text, read)
		}
	})
}
