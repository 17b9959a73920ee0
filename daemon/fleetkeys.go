package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/security"
)

// keyFile is the fleet key's name in a dispatcher's state directory.
const keyFile = "fleet.key"

// fleetKeys are the keys that workers may know; a dispatcher without one makes it.
func fleetKeys(c *config.Dispatcher) (security.Keys, error) {
	if c.JoinKeyFile != "" {
		keys, err := security.LoadKeys(c.JoinKeyFile)
		return keys, orCreate(err)
	}
	keys, _, err := security.LoadOrCreateKeyFile(keyPath(c))
	return keys, err
}

// orCreate says what to do where there is no key file.
func orCreate(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; octasklyd key create makes one", err)
	}
	return err
}

func tellFormer(log *slog.Logger, keys security.Keys) {
	for _, former := range keys.Former() {
		if time.Now().Before(former.Until) {
			log.Info("A former fleet key lets workers in, too", "key", former.Key, "until", former.Until)
		}
	}
}

// isNewKey reports whether the key file has another present key than keys. Where systemd
// brings it, it stays the same until the next start.
func isNewKey(c *config.Dispatcher, keys security.Keys) bool {
	there, err := security.LoadKeyFile(keyPath(c))
	return err == nil && there.String() != keys.Present().String()
}

func keyPath(c *config.Dispatcher) string {
	return cmp.Or(c.JoinKeyFile, filepath.Join(c.StateDir, keyFile))
}

// keysOfTool are the fleet keys of a dispatcher, as root or its user finds them.
func keysOfTool(c *config.Dispatcher) (security.Keys, error) {
	path := keyPath(c)
	if _, err := os.Stat(path); c.JoinKeyFile == "" && errors.Is(err, fs.ErrNotExist) && os.Geteuid() == 0 {
		path = systemKey
	}
	keys, err := security.LoadKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; say with --join-key-file where the dispatcher has it", err)
	}
	return keys, err
}
