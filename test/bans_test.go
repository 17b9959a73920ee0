package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// bans are modules that octasklyctl must not link, each with its reason.
var bans = []struct{ module, because string }{
	{"modernc.org/sqlite", "a client asks a daemon and never opens its database; it would add 4 MB"},
	{"github.com/quic-go/quic-go", "a client speaks HTTP over a Unix socket or TLS; QUIC is for workers"},
	{"github.com/libp2p/zeroconf", "a client is told whom to ask; only workers look around"},
	{"github.com/grandcat/zeroconf", "a client is told whom to ask; only workers look around"},
}

func TestClientLinksNoServerParts(t *testing.T) {
	for _, complaint := range banned("ctl", tree(t)) {
		t.Error(complaint)
	}
}

// banned says which banned modules root reaches, through packages of ours, and
// by which file.
func banned(root string, files []source) []string {
	var complaints []string
	todo, seen := []string{root}, map[string]bool{root: true}
	for len(todo) > 0 {
		pkg := todo[0]
		todo = todo[1:]
		for _, f := range files {
			if f.pkg != pkg || f.test {
				continue
			}
			for _, imp := range f.imports() {
				if rel, ours := strings.CutPrefix(imp, module); ours && !seen[rel] {
					seen[rel] = true
					todo = append(todo, rel)
				}
				for _, ban := range bans {
					if imp == ban.module || strings.HasPrefix(imp, ban.module+"/") {
						complaints = append(complaints, fmt.Sprintf("%s imports %s and %s uses it: %s", f.path, imp, root, ban.because))
					}
				}
			}
		}
	}
	return complaints
}

func TestBanned(t *testing.T) {
	house := fstest.MapFS{
		"ctl/a.go":             {Data: []byte("package main\nimport \"" + module + "internal/client\"\n")},
		"ctl/a_test.go":        {Data: []byte("package main\nimport \"modernc.org/sqlite\"\n")},
		"internal/client/a.go": {Data: []byte("package client\nimport \"" + module + "internal/api\"\n")},
		"internal/api/a.go":    {Data: []byte("package api\nimport \"github.com/libp2p/zeroconf/v2\"\n")},
		"internal/store/a.go":  {Data: []byte("package store\nimport _ \"modernc.org/sqlite\"\n")},
	}
	files, err := sources(house)
	if err != nil {
		t.Fatal(err)
	}
	got := banned("ctl", files)
	want := []string{"internal/api/a.go imports github.com/libp2p/zeroconf/v2 and ctl uses it: " + bans[2].because}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
