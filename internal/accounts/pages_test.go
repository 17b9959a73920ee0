package accounts

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// walk goes from page to page, and returns the names of all that it has seen.
func walk(t *testing.T, limit int, page func(api.Page) ([]string, error)) (all []string) {
	t.Helper()
	for p := (api.Page{Limit: limit}); ; p.After = all[len(all)-1] {
		names, err := page(p)
		if err != nil || len(names) > limit {
			t.Fatalf("after %q: %d (%v)", p.After, len(names), err)
		}
		if all = append(all, names...); len(names) < limit {
			return all
		}
	}
}

func TestPagesOfUsers(t *testing.T) {
	r := newRig(t)
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf("user%d", i))
		r.user(want[i], octaskly.RoleClient)
	}
	page := func(p api.Page) (names []string, err error) {
		users, err := r.Users(t.Context(), root, p)
		for _, u := range users {
			names = append(names, u.Name)
		}
		return names, err
	}
	for _, limit := range []int{1, 3, 5, 10, 100} {
		if got := walk(t, limit, page); !slices.Equal(got, want) {
			t.Errorf("by %d: %q", limit, got)
		}
	}
	if got, err := page(api.Page{After: "user7x"}); err != nil || !slices.Equal(got, want[8:]) { // who is gone
		t.Errorf("after nobody: %q (%v)", got, err)
	}
}

// Several tokens are made at one time, and others while somebody goes from page to page.
func TestPagesOfTokens(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		r.user("bob", octaskly.RoleClient)
		bobs := r.machine("bob", "")
		time.Sleep(time.Second)
		for i := range 10 {
			time.Sleep(time.Duration(i%2) * time.Second)
			r.machine("ann", "")
		}
		ann := r.caller(r.login("ann").Access)
		page := func(p api.Page) (ids []string, err error) {
			tokens, err := r.Tokens(t.Context(), ann, false, p)
			for _, token := range tokens {
				ids = append(ids, token.ID)
			}
			return ids, err
		}
		want, err := page(api.Page{})
		r.must(err)
		if len(want) != 11 {
			t.Fatalf("there are %q", want)
		}
		time.Sleep(time.Second)
		for _, limit := range []int{1, 2, 4, 11, 100} {
			made := 0
			got := walk(t, limit, func(p api.Page) ([]string, error) {
				ids, err := page(p)
				if made++; made == 1 {
					r.machine("ann", "") // is before what was seen
				}
				return ids, err
			})
			if !slices.Equal(got[len(got)-11:], want) {
				t.Errorf("by %d: %q, want %q at its end", limit, got, want)
			}
		}
		for _, after := range []string{"nothing", bobs.ID} {
			_, err = page(api.Page{After: after})
			r.field(err, "after")
		}
		all, err := r.Tokens(t.Context(), root, true, api.Page{After: bobs.ID})
		if err != nil || len(all) != 0 { // it was the first
			t.Errorf("after bob's: %v (%v)", all, err)
		}
	})
}
