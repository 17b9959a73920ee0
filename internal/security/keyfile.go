package security

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keyPrefix  = "octaskly-fleet-key-1 "
	keyFileMax = 256 // bytes
)

var errNoKey = errors.New("it is not one line that begins with octaskly-fleet-key-1")

// LoadOrCreateKeyFile returns the key in the file at path, which it makes with
// a new key if there is none. Of several processes that do so at the same time
// one creates the file, and all return its key. The directory must exist.
func LoadOrCreateKeyFile(path string) (key Key, created bool, err error) {
	key, err = LoadKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	key = GenerateKey()
	err = createKeyFile(path, key)
	if errors.Is(err, fs.ErrExist) {
		key, err = LoadKeyFile(path)
		return key, false, err
	}
	if err != nil {
		return Key{}, false, fmt.Errorf("cannot create fleet key %q: %w", path, err)
	}
	return key, true, nil
}

// LoadKeyFile returns the key in the file at path. It refuses a file that
// others than its owner may use, except for a credential of systemd.exec(5),
// which belongs to root and lets the service read it through its group bits.
// The error is fs.ErrNotExist if there is no such file.
func LoadKeyFile(path string) (Key, error) {
	text, err := ReadPrivate(path, keyFileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("cannot read fleet key %q: %w; copy it from the dispatcher's machine", path, fs.ErrNotExist)
	}
	var key Key
	if err == nil {
		key, err = parseKey(text)
	}
	if err != nil {
		return Key{}, fmt.Errorf("cannot read fleet key %q: %w", path, err)
	}
	return key, nil
}

// parseKey reads what formatKey writes. White space at the end may have come or
// gone on the way from the dispatcher's machine. No error quotes the text.
func parseKey(text []byte) (Key, error) {
	encoded, ok := bytes.CutPrefix(bytes.TrimRight(text, " \t\r\n"), []byte(keyPrefix))
	if !ok || bytes.ContainsAny(encoded, "\r\n") {
		return Key{}, errNoKey
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(string(encoded))
	if err != nil || len(secret) != keySize {
		return Key{}, fmt.Errorf("what follows octaskly-fleet-key-1 is not %d bytes in base64url", keySize)
	}
	return newKey([keySize]byte(secret)), nil
}

func formatKey(key Key) []byte {
	secret := key.secret()
	return []byte(keyPrefix + base64.RawURLEncoding.EncodeToString(secret[:]) + "\n")
}

// createKeyFile makes the file appear at once with all its content, or fails
// with fs.ErrExist if path exists, which rename would have replaced.
func createKeyFile(path string, key Key) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".fleet-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(formatKey(key))
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
