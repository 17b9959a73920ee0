package roster

import (
	"fmt"
	"path"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Policy is what the configuration says of who may join.
type Policy struct {
	Allow []string // patterns of names, as path.Match has them; none: all
	Key   bool     // the fleet key alone lets workers join, and hold sessions without a certificate
}

// SetPolicy has all who come from now on judged by another policy.
func (r *Roster) SetPolicy(p Policy) {
	r.book.lock.Lock()
	defer r.book.lock.Unlock()
	r.book.policy = Policy{slices.Clone(p.Allow), p.Key}
}

func (b *book) presentPolicy() Policy {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return b.policy
}

// allows refuses a name that is not on the list.
func (p Policy) allows(name string) error {
	listed := func(pattern string) bool {
		matches, err := path.Match(pattern, name)
		return matches && err == nil
	}
	if len(p.Allow) == 0 || slices.ContainsFunc(p.Allow, listed) {
		return nil
	}
	return fmt.Errorf("no worker named %.64q is allowed here: add it to allow, in [join] of the dispatcher's configuration, and reload: %w", name, octaskly.ErrDenied)
}

// allowsKey refuses who has nothing but the fleet key, where that is not enough.
func (p Policy) allowsKey() error {
	if p.Key {
		return nil
	}
	return fmt.Errorf("the fleet key alone lets no worker in here ([join] key = false): use an invite of octasklyctl worker invite, or join by a code: %w", octaskly.ErrDenied)
}
