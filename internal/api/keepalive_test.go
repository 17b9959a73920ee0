package api

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// A stream that is silent is not: but only between events, only once it has begun,
// and no longer when its handler has ended.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorded := httptest.NewRecorder()
		w := newAnswer(recorded)
		end := keepAlive(w)
		expect := func(what, want string) {
			t.Helper()
			synctest.Wait()
			if got := recorded.Body.String(); got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		time.Sleep(10 * keepAlivePause)
		expect("before it begins", "")
		w.Flush()
		time.Sleep(keepAlivePause + 2*time.Second)
		expect("begun and silent", ": \n\n")
		w.Write([]byte("data: 1\n\n"))
		time.Sleep(keepAlivePause - time.Second)
		expect("not silent for long", ": \n\ndata: 1\n\n")
		w.Write([]byte("data: half"))
		time.Sleep(3 * keepAlivePause)
		expect("amid an event", ": \n\ndata: 1\n\ndata: half")
		w.Write([]byte("\n\n"))
		time.Sleep(2*keepAlivePause + 2*time.Second)
		expect("silent for twice as long", ": \n\ndata: 1\n\ndata: half\n\n: \n\n: \n\n")
		end()
		time.Sleep(10 * keepAlivePause)
		expect("ended", ": \n\ndata: 1\n\ndata: half\n\n: \n\n: \n\n")
		if w.ResponseWriter != recorded {
			t.Error("it is still in between")
		}
	})
}
