package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	maxPassword = 1024
	maxToken    = 8 << 10

	endTimeout = 10 * time.Second // of a login that another one replaces
)

func (s *session) loginCommand() *cli.Command {
	return &cli.Command{
		Name:  "login",
		Usage: "log in to a dispatcher elsewhere, and keep that as a context",
		Description: "Logs in to a dispatcher that is reached by HTTPS and keeps its address, its authority and\n" +
			"the tokens as a context, which octasklyctl --context NAME or octasklyctl context use NAME then\n" +
			"use for all commands. The context has the name of the host unless --context gives another.\n" +
			"The first one is used from then on. Another login in the same context ends the one before.\n" +
			"On a terminal, name and password are asked for.\n\n" +
			"An authority that this machine does not know is trusted if it has the --fingerprint that\n" +
			"the dispatcher's operator tells, or is in the file of --ca; on a terminal, its fingerprint\n" +
			"is shown and asked about. From then on, the context trusts that authority and no other.\n\n" +
			"With --token-file it is a token of octasklyctl token create that is kept, for programs.",
		ArgsUsage: "[FLAG…] https://HOST[:PORT]",
		UsageText: "octasklyctl login https://octaskly.example.org:3000\n" +
			"octasklyctl login --user ann --password-file pw --ca ca.pem https://10.0.0.5:3000\n" +
			"octasklyctl login --context ci --token-file token https://octaskly.example.org:3000",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "user", Usage: "`NAME` of the user, as in octasklyctl user ls"},
			&cli.StringFlag{Name: "password-file", Usage: "read the password from `FILE`; - is stdin; a newline at its end is left out"},
			&cli.StringFlag{Name: "token-file", Usage: "instead of a password, keep the token in `FILE`; - is stdin"},
			&cli.StringFlag{Name: "ca", Usage: "trust the certificates in `FILE`, in PEM, and no others"},
			&cli.StringFlag{Name: "fingerprint", Usage: "trust the authority with this `SHA256:…`"},
		},
		Action: s.login,
	}
}

// loginDocument is what login -o json says.
type loginDocument struct {
	Context string        `json:"context"`
	URL     string        `json:"url"`
	User    string        `json:"user"`
	Role    octaskly.Role `json:"role"`
	Current bool          `json:"current"`
}

func (s *session) login(c *cli.Context) error {
	if c.NArg() != 1 {
		return withHint(usagef("login takes the URL of a dispatcher"), "octasklyctl login https://HOST:PORT")
	}
	if _, bySocket := s.line.value("socket"); bySocket {
		return usagef("cannot use --socket with login: nobody logs in to a socket, whose users the machine knows")
	}
	where, err := client.ParseURL(c.Args().First())
	if err != nil {
		return usagef("%v", err)
	}
	file, err := client.OwnContexts()
	if err != nil {
		return err
	}
	all, err := file.Load()
	if err != nil {
		return err
	}
	entry, err := s.contextFor(where, all)
	if err != nil {
		return err
	}
	if entry.CA, err = s.authority(c, where, entry.CA); err != nil {
		return err
	}
	if err := file.Writable(c.Context); err != nil { // before there is a session that nobody could end
		return fmt.Errorf("cannot keep the login: %w", err)
	}
	role, err := s.showWho(c, entry)
	if err != nil {
		return err
	}
	current, before, err := s.keepContext(c.Context, file, entry)
	if err != nil {
		s.end(c.Context, entry)
		return fmt.Errorf("cannot keep the login: %w", err)
	}
	s.end(c.Context, before)
	return s.loggedIn(loginDocument{entry.Name, entry.URL, entry.User, role, current == entry.Name}, current)
}

// contextFor is the context that a login to where is kept in.
func (s *session) contextFor(where *url.URL, all *client.Contexts) (*client.Context, error) {
	name, given := s.line.value("context")
	if !given {
		name = where.Hostname()
		for _, known := range all.Contexts {
			if known.URL == where.String() {
				name = known.Name
				break
			}
		}
	}
	if err := client.CheckContextName(name); err != nil {
		return nil, withHint(usagef("cannot make a context: %v", err), "name it by --context NAME")
	}
	entry := client.Context{Name: name, URL: where.String()}
	if known := all.Find(name); known != nil {
		if known.URL != entry.URL {
			return nil, withHint(usagef("context %s is of %s", name, known.URL), "give another name by --context, or type octasklyctl context remove %s", name)
		}
		entry.CA, entry.User = known.CA, known.User
	}
	return &entry, nil
}

// showWho has the dispatcher know who is here, and keeps what shows it.
func (s *session) showWho(c *cli.Context, entry *client.Context) (octaskly.Role, error) {
	if c.IsSet("token-file") {
		return s.showToken(c, entry)
	}
	user, password, err := s.nameAndPassword(c, entry.User)
	if err != nil {
		return "", err
	}
	there := client.New(client.Options{Server: &client.Server{Context: *entry}})
	defer there.Close()
	session, err := there.Login(c.Context, user, password)
	if err != nil {
		var unknown *client.Unauthorized
		if errors.As(err, &unknown) {
			why := strings.TrimPrefix(unknown.Err.Error(), "cannot log in: ")
			return "", &exitStatus{exitDenied, fmt.Errorf("cannot log in to %s as %s: %s", entry.URL, user, why)}
		}
		return "", err
	}
	entry.Take(session)
	return session.Role, nil
}

func (s *session) showToken(c *cli.Context, entry *client.Context) (octaskly.Role, error) {
	if c.IsSet("user") || c.IsSet("password-file") {
		return "", usagef("cannot use --token-file with --user or --password-file: the token says who it is")
	}
	token, err := s.readSecret(c.String("token-file"), maxToken)
	if err == nil {
		err = client.CheckToken(token)
	}
	if err == nil && token == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", badFlag("token-file", err)
	}
	entry.Forget()
	entry.Token = token
	there := client.New(client.Options{Server: &client.Server{Context: *entry}})
	defer there.Close()
	me, err := there.Self(c.Context)
	if errors.Is(err, octaskly.ErrUnknown) {
		return "", withHint(&exitStatus{exitDenied, fmt.Errorf("cannot log in to %s by --token-file %q: it has no token that is valid there, or one that has expired or was revoked", entry.URL, c.String("token-file"))},
			"octasklyctl token create --name NAME prints one, where somebody is logged in")
	}
	if err != nil {
		return "", err
	}
	entry.User = me.Name
	return me.Role, nil
}

func (s *session) nameAndPassword(c *cli.Context, before string) (user, password string, err error) {
	asked := s.onTerminal()
	if user = c.String("user"); user == "" && asked {
		user, err = s.ask(userQuestion(before))
	}
	user = cmp.Or(user, before)
	switch {
	case err != nil:
		return "", "", err
	case user == "":
		return "", "", withHint(usagef("the name of a user is missing"), "octasklyctl login --user NAME --password-file FILE URL")
	case c.IsSet("password-file"):
		if password, err = s.readSecret(c.String("password-file"), maxPassword); err != nil {
			return "", "", badFlag("password-file", err)
		}
	case asked:
		password, err = s.askSecret("password of " + user + ":")
	default:
		err = withHint(usagef("the password is missing, and there is no terminal to ask for it"), "octasklyctl login --user %s --password-file FILE URL", quote(user))
	}
	return user, password, err
}

func userQuestion(before string) string {
	if before = cmp.Or(before, os.Getenv("USER")); before == "" {
		return "user:"
	}
	return "user (" + before + "):"
}

// keepContext stores a context, and returns what stood there before, or nil. The
// first one becomes the current one.
func (s *session) keepContext(ctx context.Context, file *client.ContextFile, entry *client.Context) (current string, before *client.Context, err error) {
	err = file.Change(ctx, func(all *client.Contexts) error {
		if found := all.Find(entry.Name); found != nil {
			before = new(*found)
		}
		all.Put(*entry)
		all.Current = cmp.Or(all.Current, entry.Name)
		current = all.Current
		return nil
	})
	return current, before, err
}

// end ends the session of a login that nobody has any more, as far as that goes.
func (s *session) end(ctx context.Context, login *client.Context) {
	if login == nil || login.Token != "" || !login.LoggedIn() {
		return
	}
	there := client.New(client.Options{Server: &client.Server{Context: *login}, Timeout: endTimeout})
	defer there.Close()
	if err := there.Logout(ctx); err != nil && !errors.Is(err, octaskly.ErrUnknown) {
		s.note("the login before goes on until it expires, or octasklyctl token revoke ends it: %v", err)
	}
}

func (s *session) loggedIn(d loginDocument, current string) error {
	switch s.output {
	case outputJSON:
		return s.printJSON(d)
	case outputQuiet:
		return s.print("%s\n", d.Context)
	}
	s.note("%s is logged in to %s, as %s", d.User, d.URL, d.Role)
	if d.Current {
		s.note("commands go there from now on; octasklyctl context use %s would send them to this machine's socket", client.Local)
	} else {
		s.note("commands go to context %s; octasklyctl context use %s would send them there, octasklyctl --context %s one of them", current, d.Context, d.Context)
	}
	return nil
}
