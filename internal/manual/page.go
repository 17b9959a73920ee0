package manual

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// Page is a page of the manual.
type Page struct {
	Name   string    // "octasklyctl"
	Number int       // of the manual's section: 1, 5 or 8
	About  string    // what it is, in half a sentence
	Source string    // what it belongs to: "octaskly 1.2"
	Manual string    // its title: "octaskly's manual"
	Date   time.Time // of its last change; zero: unknown

	// App is the program, nil for a page of something else. Its commands and
	// flags make the sections SYNOPSIS, COMMANDS and OPTIONS.
	App         *cli.App
	Synopsis    string    // examples of use, in the place of the App's
	Description string    // text
	Sections    []Section // the others, in their order
}

// Section is a part of a page with a title such as "EXIT STATUS" and a text.
type Section struct{ Title, Text string }

// Write writes the page's source.
func (p *Page) Write(w io.Writer) error {
	out := &printer{recogniser: recognise(p.App)}
	out.head(p)
	out.section("NAME")
	out.line(escape(p.Name) + ` \- ` + escape(p.About))
	out.section("SYNOPSIS")
	if p.App != nil {
		out.usage(p.App.Name, formOf(p.App))
	}
	out.text(p.Synopsis)
	out.section("DESCRIPTION")
	out.text(p.Description)
	if p.App != nil {
		out.program(p.App)
	}
	for _, s := range p.Sections {
		out.section(s.Title)
		out.text(s.Text)
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (out *printer) head(p *Page) {
	date := ""
	if !p.Date.IsZero() {
		date = p.Date.UTC().Format(time.DateOnly)
	}
	fmt.Fprintf(out, ".\\\" The manual page %s(%d), written by the program: change that.\n", escape(p.Name), p.Number)
	out.request("TH", escape(strings.ToUpper(p.Name)), strconv.Itoa(p.Number), date, escape(p.Source), escape(p.Manual))
	// What is to be typed must not be torn apart, nor stretched.
	out.request("nr", "HY", "0") // groff's YS turns to it
	out.request("nh")
	out.request("ad", "l")
}

func (out *printer) section(title string) {
	out.request("SH", escape(title))
	out.begun = true
}
