package client

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A dispatcher that has too much to do, or is asked too often, names a time: so
// long are calls held back.
const (
	maxHeldBack = 30 * time.Second
	maxRepeats  = 30
	leastPause  = 100 * time.Millisecond
)

// openPaths need no token.
var openPaths = map[string]bool{"/health": true, root + "login": true, root + "refresh": true}

// guessing are the paths of calls that have a password: whoever types it decides
// when to try again.
var guessing = map[string]bool{root + "login": true, root + "password": true}

// exchange sends a request until there is an answer that counts. An access token
// that is refused is renewed once; what comes too soon is held back.
func (c *Client) exchange(r *http.Request) (*http.Response, error) {
	refused, held := "", time.Duration(0)
	for repeats := 0; ; repeats++ {
		token, err := c.authorize(r, refused)
		if err != nil {
			return nil, err
		}
		answer, err := c.http.Do(r)
		if err != nil {
			return nil, broken(r.Context(), err)
		}
		next, wait := again(r), retryAfter(answer)
		switch {
		case next == nil || repeats == maxRepeats:
			return answer, nil
		case answer.StatusCode == http.StatusUnauthorized && token != "" && refused == "":
			refused = token
		case answer.StatusCode == http.StatusTooManyRequests && wait > 0 && held+wait <= maxHeldBack && !guessing[r.URL.Path] && inTime(r, wait):
			why := peek(answer)
			if why.Lasting {
				return answer, nil
			}
			held += wait
			c.Held(why)
			if err := c.pause(r.Context(), wait); err != nil {
				answer.Body.Close()
				return nil, err
			}
		default:
			return answer, nil
		}
		discard(answer.Body)
		r = next
	}
}

// authorize gives the request its token, which it returns. There is none on a
// Unix socket.
func (c *Client) authorize(r *http.Request, refused string) (string, error) {
	if c.keeper == nil || openPaths[r.URL.Path] {
		return "", nil
	}
	token, err := c.keeper.token(r.Context(), refused)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return token, nil
}

// retryAfter is 0 where the answer names no time.
func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return cmp.Or(time.Duration(seconds)*time.Second, leastPause)
}

// inTime reports whether the request has so much time.
func inTime(r *http.Request, wait time.Duration) bool {
	deadline, bounded := r.Context().Deadline()
	return !bounded || time.Until(deadline) > wait
}

// again is the request anew, or nil if its body is gone. It has a body of its
// own: what is left of the call before may still read there.
func again(r *http.Request) *http.Request {
	next := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return next
	}
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil
	}
	next.Body = body
	return next
}

// discard reads an answer to its end: only then is its connection used again.
func discard(body io.ReadCloser) {
	io.Copy(io.Discard, io.LimitReader(body, maxFailure))
	body.Close()
}
