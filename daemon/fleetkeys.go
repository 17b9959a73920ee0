package main

import (
	"cmp"
	"errors"
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
		return security.LoadKeys(c.JoinKeyFile)
	}
	keys, _, err := security.LoadOrCreateKeyFile(keyPath(c))
	return keys, err
}

func tellFormer(log *slog.Logger, keys security.Keys) {
	for _, former := range keys.Former() {
		if time.Now().Before(former.Until) {
			log.Info("A former fleet key lets workers in, too", "key", former.Key, "until", former.Until)
		}
	}
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
	return security.LoadKeys(path)
}
