package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r refusals
		steps := []struct {
			wait time.Duration
			addr string
			why  error
			want bool
		}{
			{0, "10.0.0.1:1000", errSilent, true},
			{0, "10.0.0.1:1001", errSilent, false},
			{0, "10.0.0.1:1002", errOtherKey, true},
			{0, "10.0.0.2:1000", errSilent, true},
			{0, "[fe80::1]:1000", errHandshake, true},
			{0, "[fe80::1]:1001", fmt.Errorf("%w: something new", errHandshake), false},
			{0, "@", errSilent, true},
			{59 * time.Second, "10.0.0.1:1003", errSilent, false},
			{time.Second, "10.0.0.1:1004", errSilent, true},
			{0, "10.0.0.1:1005", errSilent, false},
		}
		for i, s := range steps {
			time.Sleep(s.wait)
			if got := r.first(s.addr, s.why); got != s.want {
				t.Errorf("step %d: %v", i, got)
			}
		}
	})
}

// TestRefusalsBound wants many hosts to cost neither memory nor log.
func TestRefusalsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r refusals
		told := 0
		for i := range 5_000 {
			if r.first(fmt.Sprintf("[2001:db8::%x]:1", i), errSilent) {
				told++
			}
		}
		if want := maxRefusals + 1; told != want || len(r.reported) != want {
			t.Errorf("told %d times, remembers %d, want %d", told, len(r.reported), want)
		}
		if !r.first("10.0.0.1:1", errOtherKey) {
			t.Error("a new reason is lost in the crowd")
		}
	})
}

func TestExplain(t *testing.T) {
	tests := []struct {
		err  error
		want reason
	}{
		{errOtherKey, errOtherKey},
		{fmt.Errorf("%w: EMFILE", errAccept), errAccept},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, errSilent},
		{tls.RecordHeaderError{Msg: "first record"}, errNotTLS},
		{io.EOF, errHungUp},
		{errCut, errHungUp},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, errHungUp},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, errHandshake},
		{errors.New("tls: no shared cipher"), errHandshake},
	}
	for _, tt := range tests {
		if got := explain(tt.err); !errors.Is(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}
