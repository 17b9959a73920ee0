package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/synctest"
)

// Followers that come at any time read the same bytes as those that read later.
func TestFollowWhileWriting(t *testing.T) {
	for _, head := range []int{500, 1 << 20} {
		t.Run(fmt.Sprint("head ", head), func(t *testing.T) {
			l := newLog(t, Options{Head: head, Limit: 20_000})
			got := make([][]byte, 8)
			var followers sync.WaitGroup
			for i := range 400 {
				if i%50 == 0 {
					followers.Go(func() { got[i/50] = follow(t, l) })
				}
				must(t, l.Append(streams[i%2], bytes.Repeat([]byte{byte(i)}, 1+i)))
			}
			must(t, l.Close())
			followers.Wait()
			want := read(t, l, 0)
			for i := range got {
				if !bytes.Equal(got[i], want) {
					t.Errorf("follower %d read %d bytes, want %d", i, len(got[i]), len(want))
				}
			}
			if decode(t, want).discarded[Stdout] == 0 {
				t.Error("no mark was followed")
			}
		})
	}
}

func follow(t *testing.T, l *Log) []byte {
	r := l.Reader(t.Context(), 0, true)
	defer r.Close()
	framed, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return framed
}

func TestFollowersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, Options{})
		var got bytes.Buffer
		ended := false
		go func() {
			r := l.Reader(t.Context(), 0, true)
			defer r.Close()
			if _, err := io.Copy(&got, r); err != nil {
				t.Error(err)
			}
			ended = true
		}()
		for i := range 3 {
			must(t, l.Append(Stdout, []byte("more")))
			synctest.Wait()
			if ended || got.Len() != (i+1)*9 {
				t.Fatalf("after %d chunks the follower has %d bytes, ended %v", i+1, got.Len(), ended)
			}
		}
		must(t, l.Close())
		synctest.Wait()
		if !ended {
			t.Fatal("Close did not end the follower")
		}
	})
}

func TestContextEndsAFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() {
			r := l.Reader(ctx, 0, true)
			defer r.Close()
			_, err = r.Read(make([]byte, 1))
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if must(t, l.Close()); !l.Reset("other") {
			t.Error("the follower still holds the log")
		}
	})
}

// A follower may ask for bytes that are not there yet, as after a reconnection.
func TestFollowFromBeyondTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, Options{})
		var got []byte
		go func() {
			r := l.Reader(t.Context(), 8, true)
			defer r.Close()
			got, _ = io.ReadAll(r)
		}()
		must(t, l.Append(Stdout, []byte("ab")))
		synctest.Wait()
		must(t, l.Append(Stdout, []byte("cd")))
		must(t, l.Close())
		synctest.Wait()
		if want := appendChunk(nil, Stdout, []byte("cd"))[1:]; !bytes.Equal(got, want) {
			t.Errorf("got %x, want %x", got, want)
		}
	})
}

func TestReaderIsASnapshot(t *testing.T) {
	l := newLog(t, Options{})
	must(t, l.Append(Stdout, []byte("before")))
	r := l.Reader(t.Context(), 0, false)
	defer r.Close()
	must(t, l.Append(Stdout, []byte("after")))
	got, err := io.ReadAll(r)
	if want := appendChunk(nil, Stdout, []byte("before")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v", got, err)
	}
	for _, from := range []int64{11, 1000} {
		if got := read(t, l, from+10); len(got) != 0 {
			t.Errorf("from beyond the end: %x", got)
		}
	}
	if got := read(t, l, -1); len(got) != int(l.Size()) {
		t.Errorf("from before the beginning: %x", got)
	}
}

func TestReaderKeepsARemovedFile(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	must(t, l.Append(Stdout, []byte("text")))
	early, late := l.Reader(t.Context(), 0, false), l.Reader(t.Context(), 0, false)
	defer early.Close()
	defer late.Close()
	if _, err := early.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	must(t, l.Remove())
	if got, err := io.ReadAll(early); err != nil || len(got) != 8 {
		t.Errorf("early reader: got %x, %v", got, err)
	}
	if _, err := io.ReadAll(late); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("late reader: got %v", err)
	}
}

func TestReaderOfAShortenedFile(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	must(t, l.Append(Stdout, []byte("text")))
	must(t, os.Truncate(l.path, 3))
	r := l.Reader(t.Context(), 0, false)
	defer r.Close()
	if got, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 3 {
		t.Errorf("got %x, %v", got, err)
	}
}

func TestClosedReader(t *testing.T) {
	r := newLog(t, Options{}).Reader(t.Context(), 0, true)
	must(t, r.Close())
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
