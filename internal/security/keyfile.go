package security

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	keyPrefix  = "octaskly-fleet-key-1 "
	keyUntil   = " until "
	keyFileMax = 2 << 10 // bytes
)

var errNoKey = errors.New("it is not a line that begins with octaskly-fleet-key-1")

// LoadOrCreateKeyFile returns the keys in the file at path, which it makes with
// a new key if there is none. Of several processes that do so at the same time
// one creates the file, and all return its key. The directory must exist.
func LoadOrCreateKeyFile(path string) (keys Keys, created bool, err error) {
	keys, err = LoadKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, false, err
	}
	keys = NewKeys(GenerateKey())
	err = createKeyFile(path, keys)
	if errors.Is(err, fs.ErrExist) {
		keys, err = LoadKeys(path)
		return keys, false, err
	}
	if err != nil {
		return Keys{}, false, fmt.Errorf("cannot create fleet key %q: %w", path, err)
	}
	return keys, true, nil
}

// LoadKeyFile returns the present key in the file at path, as [LoadKeys] does.
func LoadKeyFile(path string) (Key, error) {
	keys, err := LoadKeys(path)
	return keys.Present(), err
}

// LoadKeys returns the keys in the file at path. It refuses a file that
// others than its owner may use, except for a credential of systemd.exec(5),
// which belongs to root and lets the service read it through its group bits.
// The error is fs.ErrNotExist if there is no such file.
func LoadKeys(path string) (Keys, error) {
	text, err := ReadPrivate(path, keyFileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return Keys{}, fmt.Errorf("cannot read fleet key %q: %w", path, fs.ErrNotExist)
	}
	var keys Keys
	if err == nil {
		keys, err = parseKeys(text)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("cannot read fleet key %q: %w", path, err)
	}
	return keys, nil
}

// RotateKeyFile puts a new key before those in the file at path (see [Keys.Rotated]),
// durably, and returns them all. The file, which a link may lead to, keeps its owner.
func RotateKeyFile(path string, distrust bool, now time.Time) (keys Keys, err error) {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Keys{}, fmt.Errorf("cannot read fleet key %q: %w", path, withoutPath(err))
	}
	path = file
	err = WithLock(filepath.Dir(path), func() error {
		if keys, err = LoadKeys(path); err != nil {
			return err
		}
		if keys, err = keys.Rotated(distrust, now); err == nil {
			err = WritePrivate(path, formatKeys(keys))
		}
		if err != nil {
			return fmt.Errorf("cannot rotate fleet key %q: %w", path, err)
		}
		return nil
	})
	return keys, err
}

// parseKeys reads what formatKeys writes. White space at the end of lines may have come or
// gone on the way from the dispatcher's machine. No error quotes the text.
func parseKeys(text []byte) (keys Keys, err error) {
	lines := strings.Split(strings.TrimRight(string(text), " \t\r\n"), "\n")
	if len(lines) > maxKeys {
		return Keys{}, fmt.Errorf("it has more than %d lines", maxKeys)
	}
	first := strings.TrimRight(lines[0], " \t\r")
	if strings.Contains(first, keyUntil) {
		return Keys{}, errors.New("line 1 is a former key; the present one stands there")
	}
	if keys.present, err = parseKey(first); err != nil {
		return Keys{}, fmt.Errorf("line 1: %w", err)
	}
	for i, line := range lines[1:] {
		former, err := parseFormer(strings.TrimRight(line, " \t\r"))
		if err != nil {
			return Keys{}, fmt.Errorf("line %d: %w", i+2, err)
		}
		keys.former = append(keys.former, former)
	}
	return keys, nil
}

func parseFormer(line string) (Former, error) {
	line, until, ok := strings.Cut(line, keyUntil)
	key, err := parseKey(line)
	if err != nil {
		return Former{}, err
	}
	end, err := time.Parse(time.RFC3339, until)
	if !ok || err != nil || end.Location() != time.UTC {
		return Former{}, errors.New("it does not say until when that key lets workers in, as in 2026-12-31T00:00:00Z")
	}
	return Former{key, end}, nil
}

func parseKey(line string) (Key, error) {
	encoded, ok := strings.CutPrefix(line, keyPrefix)
	if !ok {
		return Key{}, errNoKey
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(secret) != keySize {
		return Key{}, fmt.Errorf("what follows octaskly-fleet-key-1 is not %d bytes in base64url", keySize)
	}
	return newKey([keySize]byte(secret)), nil
}

func formatKeys(keys Keys) []byte {
	text := formatKey(keys.present) + "\n"
	for _, former := range keys.former {
		text += formatKey(former.Key) + keyUntil + former.Until.UTC().Format(time.RFC3339) + "\n"
	}
	return []byte(text)
}

func formatKey(key Key) string {
	secret := key.secret()
	return keyPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
}

// createKeyFile makes the file appear at once with all its content, or fails
// with fs.ErrExist if path exists, which rename would have replaced.
func createKeyFile(path string, keys Keys) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".fleet-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(formatKeys(keys))
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
