package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// maxToken bounds an access token, in bytes; ours have about 500.
const maxToken = 8 << 10

// bearer is the token of a request, see RFC 6750 section 2.1.
func bearer(h http.Header) (string, error) {
	all := h["Authorization"]
	switch len(all) {
	case 0:
		return "", unauthorized("there is no header Authorization; get a token by octasklyctl login")
	case 1:
	default:
		return "", unauthorized("there is more than one header Authorization")
	}
	scheme, token, _ := strings.Cut(all[0], " ")
	token = strings.Trim(token, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", unauthorized(`the header Authorization does not begin with "Bearer "`)
	case len(token) > maxToken:
		return "", unauthorized(fmt.Sprintf("the token has more than %d bytes", maxToken))
	case token == "" || strings.ContainsFunc(token, notOfToken):
		return "", unauthorized(`the header Authorization has no token after "Bearer "`)
	}
	return token, nil
}

// notOfToken is for what is not in the b64token of RFC 6750.
func notOfToken(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._~+/=", c))
}

func unauthorized(why string) error {
	return fmt.Errorf("cannot tell who is calling: %s: %w", why, octaskly.ErrUnknown)
}
