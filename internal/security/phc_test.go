package security

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func phcOf(cost string, salt, sum int) string {
	b64 := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	return fmt.Sprintf("$argon2id$v=19$%s$%s$%s", cost, b64(salt), b64(sum))
}

func TestParsePasswordHash(t *testing.T) {
	good := []string{
		answers[0], answers[1], answers[2],
		phcOf("m=262144,t=10,p=4", 64, 64),
		phcOf("m=8,t=1,p=1", 8, 16),
		phcOf("m=32,t=1,p=4", 16, 32),
	}
	for _, text := range good {
		if h, err := parsePasswordHash(text); err != nil || h.String() != text {
			t.Errorf("%s: %v, %v", text, h, err)
		}
	}
	bad := []string{
		"", "$", "$$$$$", "plain", "$argon2id$", answers[1] + "$", "x" + answers[1], answers[1] + "\n", " " + answers[1],
		phcOf("m=262145,t=3,p=1", 16, 32),
		phcOf("m=4294967295,t=3,p=1", 16, 32),
		phcOf("m=4294967296,t=3,p=1", 16, 32),
		phcOf("m=65536,t=11,p=1", 16, 32),
		phcOf("m=65536,t=3,p=5", 16, 32),
		phcOf("m=65536,t=3,p=257", 16, 32), // 1 as a uint8
		phcOf("m=0,t=3,p=1", 16, 32),
		phcOf("m=7,t=3,p=1", 16, 32),
		phcOf("m=31,t=3,p=4", 16, 32),
		phcOf("m=64,t=0,p=1", 16, 32),
		phcOf("m=64,t=1,p=0", 16, 32),
		phcOf("m=-64,t=1,p=1", 16, 32),
		phcOf("m=+64,t=1,p=1", 16, 32),
		phcOf("m=064,t=1,p=1", 16, 32),
		phcOf("m=0x40,t=1,p=1", 16, 32),
		phcOf("m= 64,t=1,p=1", 16, 32),
		phcOf("m=,t=1,p=1", 16, 32),
		phcOf("t=1,m=64,p=1", 16, 32),
		phcOf("m=64,t=1", 16, 32),
		phcOf("m=64,t=1,p=1,keyid=a", 16, 32),
		phcOf("m=64,t=1,p=1", 7, 32),
		phcOf("m=64,t=1,p=1", 65, 32),
		phcOf("m=64,t=1,p=1", 16, 15),
		phcOf("m=64,t=1,p=1", 16, 65),
		phcOf("m=64,t=1,p=1", 0, 32),
		phcOf("m=64,t=1,p=1", 16, 0),
		phcOf("m=64,t=1,p=1", 1<<20, 32),
		strings.Replace(answers[1], "argon2id", "argon2i", 1),
		strings.Replace(answers[1], "argon2id", "argon2d", 1),
		strings.Replace(answers[1], "argon2id", "bcrypt", 1),
		strings.Replace(answers[1], "v=19", "v=16", 1),
		strings.Replace(answers[1], "v=19$", "", 1),
		strings.Replace(answers[1], "Gi/4", "Gi_4", 1),   // the other alphabet
		strings.Replace(answers[1], "Gi/4", "Gi/4=", 1),  // padded
		strings.Replace(answers[1], "Gi/4", "Gi/\n4", 1), // base64 skips it
		strings.Replace(answers[1], "Gi/4", "Gi/5", 1),   // bits that are no part of it
		strings.Replace(answers[1], "c29tZXNhbHQ", "c29tZXNhbHR", 1),
	}
	for _, text := range bad {
		if h, err := parsePasswordHash(text); err == nil {
			t.Errorf("%.100q is taken for %v", text, h)
		} else if sum := text[max(0, len(text)-20):]; len(sum) == 20 && strings.Contains(err.Error(), sum) {
			t.Errorf("the error quotes it: %v", err)
		}
		if text == "" {
			continue
		}
		if same, err := CheckPassword(t.Context(), text, "password"); same || err == nil {
			t.Errorf("CheckPassword with %.100q: %v %v", text, same, err)
		}
	}
}

// FuzzParsePasswordHash: whatever is taken is within bounds, and written again as it was.
func FuzzParsePasswordHash(f *testing.F) {
	for _, text := range append(answers, "", "$argon2id$v=19$m=1,t=1,p=1$$", phcOf("m=262144,t=10,p=4", 64, 64), phcOf("m=262145,t=3,p=1", 16, 32)) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parsePasswordHash(text)
		if err != nil {
			return
		}
		if h.String() != text {
			t.Errorf("%q became %q", text, h)
		}
		if h.memory > 256<<10 || h.memory < 8*uint32(h.lanes) || h.passes < 1 || h.passes > 10 || h.lanes < 1 || h.lanes > 4 ||
			len(h.salt) < 8 || len(h.salt) > 64 || len(h.sum) < 16 || len(h.sum) > 64 {
			t.Errorf("%q is out of bounds", text)
		}
	})
}
