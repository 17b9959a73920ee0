package config

import (
	"fmt"
	"slices"
	"testing"
)

func TestJoin(t *testing.T) {
	d, err := LoadDispatcher(Sources{})
	if err != nil || !d.Join.Key || d.Join.Allow != nil {
		t.Errorf("built in: %+v, %v", d.Join, err)
	}
	d, err = LoadDispatcher(Sources{Flags: map[string]string{"join.allow": "web-*:db[0-9]:a.b_c-D", "join.key": "false"}})
	if err != nil || d.Join.Key || !slices.Equal(d.Join.Allow, []string{"web-*", "db[0-9]", "a.b_c-D"}) {
		t.Errorf("%+v, %v", d.Join, err)
	}
	for _, bad := range []string{"[", "a b", "db[", `a\b`, "a/b", "wéb"} {
		_, err := LoadDispatcher(Sources{Flags: map[string]string{"join.allow": bad}})
		wantError(t, err, fmt.Sprintf("--join-allow: join.allow: %q is no pattern of names; one is written as web-*, db[0-9] or db1", bad))
	}
}
