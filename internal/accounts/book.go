package accounts

import (
	"maps"
	"slices"
	"sync"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// book is the users and tokens in memory. What the maps point to never changes: a
// changed row is another one. Whoever holds Accounts.changing may read without the
// lock, for nobody else writes.
type book struct {
	lock   sync.RWMutex
	users  map[string]*octaskly.User
	tokens map[string]*octaskly.Token
	owned  map[string]map[string]*octaskly.Token // the same, by user
	bells  map[string]chan struct{}              // by user: closed when what lets him in has changed
}

// fill replaces all there is.
func (b *book) fill(users []octaskly.User, tokens []octaskly.Token) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.users = make(map[string]*octaskly.User, len(users))
	b.tokens = make(map[string]*octaskly.Token, len(tokens))
	b.owned = map[string]map[string]*octaskly.Token{}
	b.put(&store.Records{Users: users, Tokens: tokens})
	for name := range b.bells {
		b.ring(name)
	}
}

// bell is closed by the next change of a user, or of what tokens of the user permit.
func (b *book) bell(user string) <-chan struct{} {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.bells == nil {
		b.bells = map[string]chan struct{}{}
	}
	if b.bells[user] == nil {
		b.bells[user] = make(chan struct{})
	}
	return b.bells[user]
}

func (b *book) ring(user string) {
	if bell := b.bells[user]; bell != nil {
		close(bell)
		delete(b.bells, user)
	}
}

// apply takes over what is on disk now, in the store's order: removing comes last,
// and takes the tokens of a user along.
func (b *book) apply(rows *store.Records) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.put(rows)
	for _, name := range rows.RemovedUsers {
		delete(b.users, name)
		b.ring(name)
		for id := range b.owned[name] {
			b.forget(id)
		}
	}
	for _, id := range rows.RemovedTokens {
		b.forget(id)
	}
}

func (b *book) put(rows *store.Records) {
	for _, u := range rows.Users {
		b.users[u.Name] = &u
		b.ring(u.Name)
	}
	for _, t := range rows.Tokens {
		b.tokens[t.ID] = &t
		if b.owned[t.User] == nil {
			b.owned[t.User] = map[string]*octaskly.Token{}
		}
		b.owned[t.User][t.ID] = &t
		if !t.RevokedAt.IsZero() {
			b.ring(t.User)
		}
	}
}

func (b *book) forget(id string) {
	t := b.tokens[id]
	if t == nil {
		return
	}
	b.ring(t.User)
	delete(b.tokens, id)
	delete(b.owned[t.User], id)
	if len(b.owned[t.User]) == 0 {
		delete(b.owned, t.User)
	}
}

// user is nil where nobody has that name.
func (b *book) user(name string) *octaskly.User {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return b.users[name]
}

// token comes with its user; either may be nil.
func (b *book) token(id string) (*octaskly.Token, *octaskly.User) {
	b.lock.RLock()
	defer b.lock.RUnlock()
	t := b.tokens[id]
	if t == nil {
		return nil, nil
	}
	return t, b.users[t.User]
}

// listTokens has no order; of one user, or with "" of all.
func (b *book) listTokens(user string) []*octaskly.Token {
	b.lock.RLock()
	defer b.lock.RUnlock()
	from := b.tokens
	if user != "" {
		from = b.owned[user]
	}
	return values(from)
}

func (b *book) listUsers() []*octaskly.User {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return values(b.users)
}

func values[V any](m map[string]V) []V {
	list := make([]V, 0, len(m))
	return slices.AppendSeq(list, maps.Values(m))
}
