package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/client"
)

type contextsView struct {
	Contexts []contextView `json:"contexts"`
}

func (s *session) writeContexts(all *client.Contexts) error {
	views := []contextView{{Name: client.Local, Current: all.Current == "" || all.Current == client.Local}}
	for i := range all.Contexts {
		views = append(views, viewOf(&all.Contexts[i], all))
	}
	slices.SortFunc(views[1:], func(a, b contextView) int { return cmp.Compare(a.Name, b.Name) })
	whole := func(all []contextView) any { return contextsView{all} }
	id := func(v *contextView) string { return v.Name }
	return writeList(s, views, whole, id, func() error {
		t := newTable("", "NAME", "URL", "USER", "LOGIN")
		for _, v := range views {
			mark := " "
			if v.Current {
				mark = "*"
			}
			t.add(mark, v.Name, cmp.Or(v.URL, "a socket of this machine"), v.User, v.LoggedIn)
		}
		t.give, t.width = 2, terminalWidth(s.stdout)
		return t.write(s.stdout)
	})
}

func (s *session) writeContext(v contextView) error {
	switch s.output {
	case outputJSON:
		return s.printJSON(v)
	case outputQuiet:
		return s.print("%s\n", v.Name)
	}
	p := &page{}
	p.line("name", v.Name)
	p.line("url", cmp.Or(v.URL, "a socket of this machine"))
	if v.URL != "" {
		p.line("user", v.User)
		p.line("login", cmp.Or(v.LoggedIn, "none"))
		p.time("access until", v.ExpiresAt, time.Now())
		p.line("trusts", trustText(v))
	}
	if v.Current {
		p.line("current", "yes")
	}
	return p.write(s.stdout)
}

// trustText is whom a context trusts.
func trustText(v contextView) string {
	if strings.HasPrefix(v.URL, "http:") {
		return "whoever serves that port of this machine: there are no certificates over http://"
	}
	return cmp.Or(v.Fingerprint, "whom this machine trusts")
}
