package store

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// The hash of a row never changes: logs that were written stay what they are.
func TestHashIsGolden(t *testing.T) {
	a := octaskly.Action{
		At: time.UnixMicro(1_800_000_000_000_001), Who: "ann", Role: octaskly.RoleClient, Token: "T", From: "192.0.2.1",
		What: "task.submit", Target: "42", Outcome: octaskly.Done, Detail: "é",
	}
	row, err := encode(&a, 7)
	if err != nil {
		t.Fatal(err)
	}
	const wantRow = "aa0107021b0006651728988001" + // 1: 7, 2: 1800000000000001
		"0363616e6e" + "0466636c69656e74" + "056154" + "06693139322e302e322e31" +
		"076b7461736b2e7375626d6974" + "08623432" + "0964646f6e65" + "0a62c3a9"
	if got := hex.EncodeToString(row); got != wantRow {
		t.Errorf("the row is\n%s, want\n%s", got, wantRow)
	}
	const wantHash = "129586e28591c6b0163186ad6fd702dd8380bf40d0aa1c4f52b51f72581cf417"
	if got := hex.EncodeToString(link(bytes.Repeat([]byte{1}, 32), row)); got != wantHash {
		t.Errorf("the hash is %s, want %s", got, wantHash)
	}
	a.At = a.At.Add(time.Nanosecond).In(time.FixedZone("there", 3600))
	if again, err := encode(&a, 7); err != nil || !bytes.Equal(row, again) {
		t.Errorf("the same time elsewhere is %x, %v", again, err)
	}
}

// What is kept is text, and has a bound.
func TestTextsAreBounded(t *testing.T) {
	long := strings.Repeat("é", maxSaid)
	a := octaskly.Action{Who: "\xff", What: "a\x00b", Target: strings.Repeat("x", maxSaid), Detail: long}
	bound(&a)
	if a.Who != "\uFFFD" || a.What != "a\x00b" || len(a.Target) != maxSaid {
		t.Errorf("%+v", a)
	}
	if d := a.Detail; len(d) > maxSaid || len(d) < maxSaid-4 || !utf8.ValidString(d) || !strings.HasSuffix(d, "é…") {
		t.Errorf("%d bytes: …%q", len(d), d[len(d)-9:])
	}
}
