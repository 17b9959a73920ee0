package security

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parameters are what a hash costs.
type parameters struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// What is written, and the bounds of what is read: a row that somebody has made
// up must not cost the dispatcher its memory.
const (
	saltSize  = 16
	sumSize   = 32
	minSalt   = 8
	maxSalt   = 64
	minSum    = 16
	maxSum    = 64
	maxMemory = 256 << 10 // KiB
	maxPasses = 10
	maxLanes  = 4
	maxPHC    = 256 // bytes of it all
)

// passwordHash is a string in PHC's form,
// "$argon2id$v=19$m=65536,t=3,p=1$SALT$SUM", taken apart.
type passwordHash struct {
	parameters
	salt, sum []byte
}

var errNoHash = errors.New("cannot read a password's hash: it is not argon2id in PHC's form")

// phc64 is PHC's base64: the standard alphabet, unpadded.
var phc64 = base64.RawStdEncoding.Strict()

func (h *passwordHash) String() string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", h.memory, h.passes, h.lanes,
		phc64.EncodeToString(h.salt), phc64.EncodeToString(h.sum))
}

// parsePasswordHash takes exactly what String writes, within bounds. No error quotes it.
func parsePasswordHash(text string) (*passwordHash, error) {
	if len(text) > maxPHC {
		return nil, errNoHash
	}
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return nil, errNoHash
	}
	cost, err := parseParameters(parts[3])
	if err != nil {
		return nil, err
	}
	h := &passwordHash{parameters: cost}
	if h.salt, err = parseBytes(parts[4], minSalt, maxSalt); err != nil {
		return nil, err
	}
	if h.sum, err = parseBytes(parts[5], minSum, maxSum); err != nil {
		return nil, err
	}
	return h, nil
}

func parseParameters(text string) (parameters, error) {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return parameters{}, errNoHash
	}
	lanes, err3 := parseParameter(parts[2], "p=", 1, maxLanes)
	passes, err2 := parseParameter(parts[1], "t=", 1, maxPasses)
	memory, err1 := parseParameter(parts[0], "m=", 8*max(lanes, 1), maxMemory)
	if err := errors.Join(err1, err2, err3); err != nil {
		return parameters{}, err
	}
	return parameters{memory, passes, uint8(lanes)}, nil
}

func parseParameter(text, name string, least, most uint32) (uint32, error) {
	digits, ok := strings.CutPrefix(text, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, errNoHash
	}
	if n < uint64(least) || n > uint64(most) {
		return 0, fmt.Errorf("cannot use a password's hash: its %s%d is not within %d and %d", name, n, least, most)
	}
	return uint32(n), nil
}

func parseBytes(text string, least, most int) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // which base64 would skip
		return nil, errNoHash
	}
	bytes, err := phc64.DecodeString(text)
	if err != nil || len(bytes) < least || len(bytes) > most {
		return nil, errNoHash
	}
	return bytes, nil
}
