package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestCopied: whoever opens a copy is told so until it is settled, also after a
// crash, and of a backup that was restored what is kept.
func TestCopied(t *testing.T) {
	for name, test := range map[string]struct {
		restore []bool // in turn, with tokens kept or not
		want    Copied
	}{
		"by hand":            {nil, CopiedAll},
		"restored":           {[]bool{false}, CopiedAll},
		"restored with":      {[]bool{true}, CopiedTokens},
		"with, then without": {[]bool{true, false}, CopiedAll},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTemp(t)
			at := time.Now()
			err := s.Record(ctx, &Records{Tokens: []octaskly.Token{
				{ID: "a", Kind: octaskly.LoginToken, User: "ann", ExpiresAt: at.Add(time.Hour)},
				{ID: "b", Kind: octaskly.MachineToken, User: "ann", ExpiresAt: at.Add(time.Hour)},
				{ID: "c", Kind: octaskly.MachineToken, User: "ann", ExpiresAt: at.Add(time.Hour)},
				{ID: "d", Kind: octaskly.MachineToken, User: "ann", ExpiresAt: at.Add(-time.Hour)},
				{ID: "e", Kind: octaskly.LoginToken, User: "ann", ExpiresAt: at.Add(time.Hour), RevokedAt: at},
			}})
			if err != nil {
				t.Fatal(err)
			}
			wantCopied(t, s, NotCopied)
			path := filepath.Join(t.TempDir(), "octaskly.db")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Backup(ctx, s.path, path); err != nil {
				t.Fatal(err)
			}
			for _, keep := range test.restore {
				logins, tokens, err := Restored(ctx, path, keep)
				if err != nil || logins != 1 || tokens != 2 {
					t.Errorf("%d logins and %d tokens (%v)", logins, tokens, err)
				}
			}
			for range 2 { // the second after one that did not settle it
				s = openAt(t, path)
				wantCopied(t, s, test.want)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			s = openAt(t, path)
			if err := s.Record(ctx, &Records{Settled: true}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			wantCopied(t, openAt(t, path), NotCopied)
		})
	}
}

func wantCopied(t *testing.T, s *Store, want Copied) {
	t.Helper()
	if got, err := s.Copied(ctx); err != nil || got != want {
		t.Errorf("copied is %d (%v), want %d", got, err, want)
	}
}
