package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/client"
)

// serverHint is what to type next where a dispatcher elsewhere cannot be used, or
// "".
func serverHint(err error) string {
	var unreachable *client.Unreachable
	var unknown *client.Unauthorized
	var unkept *client.Unkept
	switch {
	case errors.As(err, &unreachable) && client.Distrusted(err):
		return distrustHint(unreachable)
	case errors.As(err, &unreachable) && client.Unspoken(err) != "":
		return "try " + otherScheme(unreachable.URL, client.Unspoken(err))
	case errors.As(err, &unknown) && unknown.Token:
		return fmt.Sprintf("octasklyctl token create makes another one, where somebody is logged in; then octasklyctl login --token-file FILE %s", quote(unknown.URL))
	case errors.As(err, &unknown):
		return loginHint(unknown.URL)
	case errors.As(err, &unkept):
		return "$XDG_CONFIG_HOME names another directory for it"
	}
	return ""
}

func distrustHint(of *client.Unreachable) string {
	if _, late := client.OutOfTime(of); late {
		return "is this machine's clock right? if it is, the dispatcher's operator has to renew the certificate"
	}
	if _, other := client.OtherName(of); other {
		return "use a name that it is for; http_names in dispatcher.toml adds names to it"
	}
	return fmt.Sprintf("somebody may be in between; if its operator tells the fingerprint of a new authority: octasklyctl login --fingerprint SHA256:… %s", quote(of.URL))
}

// otherScheme is the URL as it may have been meant. What is plain is for this
// machine only.
func otherScheme(url, scheme string) string {
	_, host, _ := strings.Cut(url, "://")
	meant := scheme + host
	if _, err := client.ParseURL(meant); err != nil {
		return "the port that serves HTTPS, http_listen in dispatcher.toml"
	}
	return meant
}
