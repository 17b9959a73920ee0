package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// fakeStore keeps rows in memory.
type fakeStore struct {
	lock    sync.Mutex
	users   map[string]octaskly.User
	tokens  map[string]octaskly.Token
	keys    map[string]octaskly.SigningKey
	actions []octaskly.Action
	commits int
	copied  store.Copied

	fail  error                // of Record and reads
	lose  bool                 // with fail: what is written is on disk all the same
	enter func(*store.Records) // before each write
}

func newFakeStore() *fakeStore {
	return &fakeStore{users: map[string]octaskly.User{}, tokens: map[string]octaskly.Token{}, keys: map[string]octaskly.SigningKey{}}
}

// JobsOf: one for each letter of the name of "leaver".
func (f *fakeStore) JobsOf(_ context.Context, owner string) (int64, error) {
	if owner == "leaver" {
		return int64(len(owner)), f.failing()
	}
	return 0, f.failing()
}

func (f *fakeStore) FleetID() string { return "ABCDEFGHIJKLMNOPQRSTUVWXYZ" }

func (f *fakeStore) Record(ctx context.Context, r *store.Records) error {
	if f.enter != nil {
		f.enter(r)
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.fail != nil && !f.lose {
		return f.fail
	}
	f.commits++
	if r.Settled {
		f.copied = store.NotCopied
	}
	for _, u := range r.Users {
		f.users[u.Name] = u
	}
	for _, t := range r.Tokens {
		f.tokens[t.ID] = t
	}
	for _, k := range r.Keys {
		f.keys[k.ID] = k
	}
	for _, name := range r.RemovedUsers {
		delete(f.users, name)
		for id, t := range f.tokens {
			if t.User == name {
				delete(f.tokens, id)
			}
		}
	}
	for _, id := range r.RemovedTokens {
		delete(f.tokens, id)
	}
	for _, id := range r.RemovedKeys {
		delete(f.keys, id)
	}
	for i := range r.Actions {
		r.Actions[i].Seq = int64(len(f.actions) + 1)
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(r.Actions[i].Seq)))
		r.Actions[i].Hash = sum[:]
		f.actions = append(f.actions, r.Actions[i])
	}
	return f.fail
}

func (f *fakeStore) Users(context.Context) ([]octaskly.User, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	return values(f.users), f.fail
}

func (f *fakeStore) Tokens(context.Context) ([]octaskly.Token, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	return values(f.tokens), f.fail
}

func (f *fakeStore) SigningKeys(context.Context) ([]octaskly.SigningKey, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	return values(f.keys), f.fail
}

func (f *fakeStore) Actions(_ context.Context, q store.ActionQuery) ([]octaskly.Action, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	rows := slices.Clone(f.actions)
	slices.Reverse(rows)
	return rows[:min(len(rows), q.Limit)], f.fail
}

func (f *fakeStore) LastAction(context.Context) (*octaskly.Action, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if len(f.actions) == 0 {
		return nil, f.fail
	}
	return new(f.actions[len(f.actions)-1]), f.fail
}

func (f *fakeStore) VerifyActions(ctx context.Context, anchor *octaskly.Action) (*store.ActionReport, error) {
	last, err := f.LastAction(ctx)
	report := &store.ActionReport{Rows: int64(len(f.actions)), First: 1, Last: last}
	if anchor != nil && (anchor.Seq > report.Rows || !slices.Equal(anchor.Hash, f.actions[anchor.Seq-1].Hash)) {
		report.Faults = make([]store.ActionFault, 150)
	}
	return report, err
}

func (f *fakeStore) Copied(context.Context) (store.Copied, error) { return f.copied, f.failing() }

func (f *fakeStore) FindCut(context.Context, store.CutRule) (*store.Cut, error) {
	return nil, f.failing()
}

func (f *fakeStore) Dropped(context.Context) (*store.Base, error) { return nil, f.failing() }

func (f *fakeStore) DropActions(context.Context, *store.Base, time.Duration) (bool, error) {
	return true, f.failing()
}

func (f *fakeStore) failing() error {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.fail
}

func (f *fakeStore) rows(what string) (rows []octaskly.Action) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, r := range f.actions {
		if what == "" || r.What == what {
			rows = append(rows, r)
		}
	}
	return rows
}

func (f *fakeStore) token(id string) octaskly.Token {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.tokens[id]
}

// size is how much there is of each.
func (f *fakeStore) size() (users, tokens, keys, commits int) {
	f.lock.Lock()
	defer f.lock.Unlock()
	return len(f.users), len(f.tokens), len(f.keys), f.commits
}

// breaks makes all fail from now on; nil: no longer.
func (f *fakeStore) breaks(err error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.fail = err
}
