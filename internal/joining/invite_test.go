package joining

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

var someTerms = InviteTerms{
	ID: InviteID{1, 2, 3}, Expires: time.Unix(1795910400, 0), Authority: [32]byte{4, 5}, Name: "w1",
}

func TestInviteText(t *testing.T) {
	key := security.GenerateKey()
	for _, terms := range []InviteTerms{someTerms, {ID: InviteID{1}, Expires: time.Unix(1, 0)}} {
		i, err := NewInvite(key, terms)
		expect(t, err)
		text := i.Text()
		if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
			t.Errorf("%s is more than one word", text)
		}
		got, err := ParseInvite(" " + text + "\n")
		expect(t, err)
		if got.InviteTerms != terms || got.Text() != text {
			t.Errorf("%+v was read as %+v", terms, got.InviteTerms)
		}
	}
}

func TestInvitesThatCannotBeRead(t *testing.T) {
	i, err := NewInvite(security.GenerateKey(), someTerms)
	expect(t, err)
	good := i.Text()
	encode := func(payload []byte) string {
		return invitePrefix + base64.RawURLEncoding.EncodeToString(append(payload, make([]byte, 32)...))
	}
	edit := func(change func(*terms)) string {
		t := terms{make([]byte, 16), 1, make([]byte, 32), ""}
		change(&t)
		payload, _ := encoding.Marshal(&t)
		return encode(payload)
	}
	for what, text := range map[string]string{
		"nothing":          "",
		"a prefix":         invitePrefix,
		"another version":  "octi2." + good[len(invitePrefix):],
		"two words":        good + " " + good,
		"two lines":        good[:20] + "\n" + good[20:],
		"padding":          good + "=",
		"long":             good + strings.Repeat("A", maxInviteText),
		"no payload":       encode(nil),
		"garbage":          encode([]byte("garbage")),
		"something behind": encode(append(append([]byte(nil), i.payload...), 0)),
		"a short id":       edit(func(t *terms) { t.ID = t.ID[1:] }),
		"a long authority": edit(func(t *terms) { t.Authority = append(t.Authority, 0) }),
		"no end":           edit(func(t *terms) { t.Expires = 0 }),
		"an end far away":  edit(func(t *terms) { t.Expires = 1 << 62 }),
		"a bad name":       edit(func(t *terms) { t.Name = "a\nb" }),
		"a long name":      edit(func(t *terms) { t.Name = strings.Repeat("a", 65) }),
	} {
		_, err := ParseInvite(text)
		if err == nil {
			t.Errorf("%s: %q is an invite", what, text)
		} else if len(text) > 40 && strings.Contains(err.Error(), text[10:30]) {
			t.Errorf("%s: it is quoted: %v", what, err)
		}
	}
	if _, err := NewInvite(security.GenerateKey(), InviteTerms{Name: "a\nb", Expires: time.Unix(1, 0)}); err == nil {
		t.Error("an invite for no name is made")
	}
}

// An invite has one text, so that it cannot be told apart from itself.
func TestInviteTextIsStrict(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, name := range []string{"a", "ab", "abc"} { // with 0, 2 and 4 bits left over
		terms := someTerms
		terms.Name = name
		i, err := NewInvite(security.GenerateKey(), terms)
		expect(t, err)
		for _, last := range alphabet {
			text := i.Text()[:len(i.Text())-1] + string(last)
			if got, err := ParseInvite(text); err == nil && got.Text() != text {
				t.Errorf("%s is read as %s", text, got.Text())
			}
		}
	}
}

func TestInviteNeverShows(t *testing.T) {
	i, err := NewInvite(security.GenerateKey(), someTerms)
	expect(t, err)
	secret := i.mac()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{i, *i, struct{ I *Invite }{i}, struct{ i Invite }{*i}} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, fmt.Sprintf("%x", secret[:4])) || strings.Contains(got, strings.Trim(fmt.Sprint(secret[:4]), "[]")) || strings.Contains(got, i.Text()[len(i.Text())-40:]) {
				t.Errorf("%s shows it: %s", verb, got)
			}
		}
	}
}

func FuzzParseInvite(f *testing.F) {
	i, _ := NewInvite(security.GenerateKey(), someTerms)
	f.Add(i.Text())
	f.Add("octi1.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := ParseInvite(text)
		if err == nil && strings.TrimSpace(text) != i.Text() {
			t.Fatalf("%q was read as %q", text, i.Text())
		}
	})
}
