package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/systemd"
	"github.com/octaskly/octaskly/internal/transport"
)

// Secrets of an installed machine.
const (
	systemKey    = "/etc/octaskly/fleet.key"
	systemInvite = "/etc/octaskly/invite"
)

func newEntrance(c *config.Worker, p *process, id octaskly.WorkerID) (*entrance, error) {
	papers, err := openPapers(p.state.Path(papersFile))
	if err != nil {
		return nil, err
	}
	find, err := secretsOf(c)
	if err != nil {
		return nil, err
	}
	return &entrance{
		id: id, name: c.Name, papers: papers, secrets: find, protocol: transport.Protocol(c.Transport),
		log: p.log, status: systemd.Status, slow: tellSlow(p.log),
	}, nil
}

// dialer opens sessions with the dispatcher, wherever that is.
func (e *entrance) dialer(c *config.Worker) func(context.Context) (transport.Session, error) {
	find := dispatcherFinder(c, e.log, e.open)
	return func(ctx context.Context) (transport.Session, error) {
		has, err := e.secrets()
		if err != nil && !e.papers.good(e.id, e.name, time.Now()) {
			return nil, err
		}
		return find(ctx, e.wanted(c, has))
	}
}

// wanted is the dispatcher of the fleet that the worker is of, or is to be.
func (e *entrance) wanted(c *config.Worker, has secrets) wanted {
	w := wanted{fleet: c.Fleet, key: has.key}
	held := e.papers.held.Load()
	switch {
	case c.Given("fleet"):
	case held.Joined():
		w.fleet = held.Fleet
	case has.invite != nil:
		w.fleet = "" // it does not say which
	}
	w.blind = has.none() && !held.Joined()
	return w
}

// secretsOf reads what is there at each try: it may come later. On the dispatcher's own
// machine the worker finds the key by itself.
func secretsOf(c *config.Worker) (func() (secrets, error), error) {
	keyFile, given := c.JoinKeyFile, c.JoinKeyFile != ""
	if keyFile == "" && !isUnit() {
		var err error
		if keyFile, err = usualKey(); err != nil {
			return nil, err
		}
	}
	return func() (s secrets, err error) {
		if keyFile != "" {
			s.key, err = security.LoadKeyFile(keyFile)
			switch isMissing := errors.Is(err, fs.ErrNotExist); {
			case isMissing && given:
				err = fmt.Errorf("%w; copy it from the dispatcher's machine", err)
			case isMissing:
				err = nil
			}
		}
		if err == nil && c.InviteFile != "" {
			s.invite, err = loadInvite(c.InviteFile)
		}
		return s, err
	}, nil
}

const maxInvite = 4 << 10 // bytes, of its file

func loadInvite(path string) (*joining.Invite, error) {
	text, err := security.ReadPrivate(path, maxInvite)
	var invite *joining.Invite
	if err == nil {
		invite, err = joining.ParseInvite(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the invite in %q: %w", path, err)
	}
	return invite, nil
}

// isUnit reports whether this is a unit of ours, whose credentials may be empty.
func isUnit() bool { return os.Getenv("CREDENTIALS_DIRECTORY") != "" }

func usualKey() (string, error) {
	state, err := dirs.State(dirs.Dispatcher)
	if err != nil {
		return "", fmt.Errorf("cannot find the fleet key: give its file with --join-key-file: %w", err)
	}
	file := filepath.Join(state, keyFile)
	if _, err := os.Stat(file); err != nil && os.Geteuid() == 0 {
		file = systemKey
	}
	return file, nil
}

const secretCheck = 30 * time.Second

// awaitSecret ends a unit of ours that waits to be approved, when there is a key or an
// invite that was not there when it started: systemd starts it again with that.
func awaitSecret(ctx context.Context, c *config.Worker, in *entrance) error {
	var missing []string
	for file, path := range map[string]string{systemKey: c.JoinKeyFile, systemInvite: c.InviteFile} {
		if _, err := os.Stat(file); path == "" && errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, file)
		}
	}
	if !isUnit() || len(missing) == 0 {
		return nil
	}
	ticker := time.NewTicker(secretCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for _, file := range missing {
			if _, err := os.Stat(file); err == nil && !in.papers.held.Load().Joined() {
				return fmt.Errorf("%s is there now: this worker starts again with it", file)
			}
		}
	}
}
