package security

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// answers are from the reference implementation's own test (P-H-C/phc-winner-argon2,
// src/test.c): the password is "password".
var answers = []string{
	"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
}

func TestCheckPasswordKnownAnswers(t *testing.T) {
	for _, hash := range answers {
		for password, want := range map[string]bool{"password": true, "Password": false, "password ": false, "": false, strings.Repeat("p", MaxPassword+1): false} {
			if got, err := CheckPassword(t.Context(), hash, password); got != want || err != nil {
				t.Errorf("%s with %.20q: %v %v, want %v", hash, password, got, err, want)
			}
		}
	}
}

func TestHashPassword(t *testing.T) {
	password := "пароль\x00with anything"
	hash, err := HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=1$") || len(hash) != len("$argon2id$v=19$m=65536,t=3,p=1$")+22+1+43 {
		t.Errorf("it is %s", hash)
	}
	again, err := HashPassword(t.Context(), password)
	if err != nil || again == hash {
		t.Errorf("two users with one password have one hash (%v)", err)
	}
	for try, want := range map[string]bool{password: true, "пароль": false} { // all bytes count
		if got, err := CheckPassword(t.Context(), hash, try); got != want || err != nil {
			t.Errorf("%q: %v %v, want %v", try, got, err, want)
		}
	}
}

func TestPasswordLengths(t *testing.T) {
	for _, n := range []int{0, MinPassword - 1, MaxPassword + 1, 1 << 20} {
		if _, err := HashPassword(t.Context(), strings.Repeat("x", n)); err == nil || strings.Contains(err.Error(), "xx") {
			t.Errorf("%d bytes: %.80v", n, err)
		}
	}
}

// TestNobodysPasswordCostsTheSame compares the memory that is filled, which is what
// argon2 takes its time for.
func TestNobodysPasswordCostsTheSame(t *testing.T) {
	real, err := HashPassword(t.Context(), "somebody's")
	if err != nil {
		t.Fatal(err)
	}
	allocated := func(hash, password string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if same, err := CheckPassword(t.Context(), hash, password); same || err != nil {
			t.Errorf("%q: %v %v", hash, same, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	somebody, nobody := allocated(real, "wrong password"), allocated("", "wrong password")
	if nobody < 64<<20 || nobody > somebody+1<<20 || somebody > nobody+1<<20 {
		t.Errorf("a wrong password costs %d bytes, a wrong user %d", somebody, nobody)
	}
}

// TestHashingIsBounded holds the gate that all passwords go through.
func TestHashingIsBounded(t *testing.T) {
	if cap(hashing.running) != 2 || cap(hashing.places) != 66 {
		t.Errorf("%d are hashed at a time, %d may be there", cap(hashing.running), cap(hashing.places))
	}
	for range cap(hashing.places) {
		hashing.places <- struct{}{}
		defer func() { <-hashing.places }()
	}
	_, err := HashPassword(t.Context(), "password")
	errs := []error{err}
	for _, hash := range append([]string{""}, answers...) {
		_, err := CheckPassword(t.Context(), hash, "password")
		errs = append(errs, err)
	}
	for i, err := range errs {
		if !errors.Is(err, ErrBusy) {
			t.Errorf("%d: %v, want ErrBusy", i, err)
		}
	}
}

func TestPasswordContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := HashPassword(ctx, "password"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := CheckPassword(ctx, answers[1], "password"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCheckPasswordConcurrently(t *testing.T) {
	var good atomic.Int32
	done := make(chan error)
	for range 30 {
		go func() {
			same, err := CheckPassword(t.Context(), answers[1], "password")
			if same {
				good.Add(1)
			}
			done <- err
		}()
	}
	for range 30 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if good.Load() != 30 {
		t.Errorf("%d of 30 were right", good.Load())
	}
}
