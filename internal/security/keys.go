package security

import (
	"fmt"
	"slices"
	"time"
)

const (
	// FormerKeyLife is how long a fleet key lets workers in after another has taken its
	// place.
	FormerKeyLife = 31 * 24 * time.Hour

	maxKeys = 8
)

// Keys are the keys that a fleet has and has had. All of them open what they have sealed;
// to let anybody in, a former one must not be over.
type Keys struct {
	present Key
	former  []Former // the last one first
}

// Former is a key that is the present one no more.
type Former struct {
	Key   Key
	Until time.Time // that it lets others in
}

// NewKeys returns those of a fleet that has had no other key.
func NewKeys(present Key) Keys { return Keys{present: present} }

// Present is the key that seals, and that workers are given.
func (k Keys) Present() Key { return k.present }

// All are the present key and then the former ones, over or not.
func (k Keys) All() []Key {
	return k.which(func(Former) bool { return true })
}

// Vault returns a vault that all of them open.
func (k Keys) Vault() *Vault {
	all := k.All()
	return NewVault(all[0], all[1:]...)
}

// Counting are the keys that let others in, the present one first.
func (k Keys) Counting(now time.Time) []Key {
	return k.which(func(former Former) bool { return now.Before(former.Until) })
}

func (k Keys) which(is func(Former) bool) []Key {
	keys := []Key{k.present}
	for _, former := range k.former {
		if is(former) {
			keys = append(keys, former.Key)
		}
	}
	return keys
}

// Rotated returns keys with a new one before them. These go on letting others in, each
// until its own FormerKeyLife is over, unless they are distrusted: then none does. Of the
// eight that there may be the last gives way, if it lets nobody in: what it has sealed
// opens no more.
func (k Keys) Rotated(distrust bool, now time.Time) (Keys, error) {
	now = now.UTC().Truncate(time.Second)
	if last := len(k.former) - 1; len(k.former)+1 >= maxKeys {
		if end := k.former[last].Until; now.Before(end) && !distrust {
			return Keys{}, fmt.Errorf("there are %d keys, which is the most, and the last lets workers in until %s; with --distrust it gives way", maxKeys, end.Format(time.RFC3339))
		}
		k.former = k.former[:last]
	}
	former := append([]Former{{k.present, now.Add(FormerKeyLife)}}, k.former...)
	for i := range former {
		if distrust && now.Before(former[i].Until) {
			former[i].Until = now
		}
	}
	return Keys{GenerateKey(), former}, nil
}

// Former are the former keys, the last one first.
func (k Keys) Former() []Former { return slices.Clone(k.former) }
