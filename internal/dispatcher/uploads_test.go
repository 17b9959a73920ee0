package dispatcher

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// A name is no part of another, whatever is in it; and however many upload one input,
// the latest of them are known.
func TestUploadsOfOwners(t *testing.T) {
	b, err := openBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	hash := octaskly.Blob(strings.Repeat("a", 64))
	is := func(owner string, want bool) {
		t.Helper()
		if got, err := b.uploaded(hash, owner); got != want || err != nil {
			t.Errorf("%.20q has uploaded it: %v, %v", owner, got, err)
		}
	}
	is("", false)
	for range 2 {
		for _, owner := range []string{"joann", "x\n\"bob\"\n", ""} {
			if err := b.note(hash, owner); err != nil {
				t.Fatal(err)
			}
			is(owner, true)
		}
	}
	for _, owner := range []string{"ann", "joan", "bob", "x", `joann"`} {
		is(owner, false)
	}
	many := make([]byte, 0, maxUploads)
	for i := 0; len(many) < maxUploads-100; i++ {
		many = fmt.Appendf(many, "%q\n", fmt.Sprint("user", i))
	}
	if err := os.WriteFile(b.uploadsOf(hash), many, 0o600); err != nil {
		t.Fatal(err)
	}
	is("user0", true)
	if err := b.note(hash, strings.Repeat("n", 128)); err != nil {
		t.Fatal(err)
	}
	is("user0", false)
	is(strings.Repeat("n", 128), true)
	if info, err := os.Stat(b.uploadsOf(hash)); err != nil || info.Size() > maxUploads*2/3 {
		t.Errorf("%v, %v", info, err)
	}
	if lines, _ := os.ReadFile(b.uploadsOf(hash)); !strings.HasPrefix(string(lines), `"user`) {
		t.Errorf("it begins with %.30q", lines)
	}
}
