package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
)

const maxAnchor = 4096

func (s *session) auditVerifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "find out whether the audit log is intact",
		Description: "Goes through all of the log and says which rows were edited, removed or put elsewhere; then\n" +
			"it exits with 1. Whoever can write to the dispatcher's disk can make a whole new log,\n" +
			"though: an anchor that is kept elsewhere tells that, too. Rows that the dispatcher itself\n" +
			"has dropped for their age ([retention]) are not missing; an anchor of one of them cannot be\n" +
			"compared any more, which exits with 1, too.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl audit verify\noctasklyctl audit verify --anchor anchor.json",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "anchor", Usage: "also compare with what octasklyctl audit anchor has printed, in `FILE`; - is stdin"},
		},
		Action: s.auditVerify,
	}
}

func (s *session) auditVerify(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	var anchor *api.Anchor
	if c.IsSet("anchor") {
		text, err := s.readSecret(c.String("anchor"), maxAnchor)
		if err == nil {
			anchor, err = parseAnchor(text)
		}
		if err != nil {
			return badFlag("anchor", err)
		}
	}
	report, err := s.client.VerifyAudit(c.Context, anchor)
	if err != nil {
		return s.aboutAudit(err)
	}
	err = s.writeReport(report)
	switch {
	case err != nil:
		return err
	case !report.Intact:
		return exits(exitError)
	case report.Incomparable:
		return withHint(fmt.Errorf("cannot compare with the anchor: row %d, of which it was made, was dropped by retention", anchor.Seq),
			"octasklyctl audit anchor prints a new one")
	}
	return nil
}

func parseAnchor(text string) (*api.Anchor, error) {
	var anchor api.Anchor
	lines := json.NewDecoder(bytes.NewReader([]byte(text)))
	lines.DisallowUnknownFields()
	if err := lines.Decode(&anchor); err != nil || anchor.Seq < 1 || anchor.Hash == "" {
		return nil, fmt.Errorf("it is not what octasklyctl audit anchor prints")
	}
	return &anchor, nil
}

func (s *session) writeReport(r *api.AuditReport) error {
	if s.output == outputJSON {
		return s.printJSON(r)
	}
	for _, f := range r.Faults {
		if err := s.print("%s\n", defuse(faultText(f))); err != nil {
			return err
		}
	}
	if !r.Intact {
		s.note("the audit log is not intact: %s", plural(int64(len(r.Faults)), "fault"))
		return nil
	}
	if s.output == outputQuiet {
		return nil
	}
	if r.Last == nil {
		return s.print("intact: the log is empty\n")
	}
	err := s.print("intact: %s, from %d to %d of %s\n", plural(r.Rows, "row"), r.First, r.Last.Seq, r.Last.At.Local().Format(time.RFC3339))
	if err == nil && r.Dropped != nil {
		err = s.print("it begins at row %d: those before were dropped by retention at %s\n", r.First, r.Dropped.At.Local().Format(time.RFC3339))
	}
	return err
}

func faultText(f api.AuditFault) string {
	if f.Last > f.Seq {
		return fmt.Sprintf("rows %d to %d: %s", f.Seq, f.Last, f.Why)
	}
	return fmt.Sprintf("row %d: %s", f.Seq, f.Why)
}

func (s *session) auditAnchorCommand() *cli.Command {
	return &cli.Command{
		Name:  "anchor",
		Usage: "print what a later audit verify can be held against",
		Description: "Prints the number and the hash of the last row, as JSON in any output format. Kept where\n" +
			"nobody with access to the dispatcher can write, it shows later whether all rows up to it\n" +
			"are what they were.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl audit anchor > anchor.json",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			anchor, err := s.client.Anchor(c.Context)
			if err != nil {
				return s.aboutAudit(err)
			}
			return s.printJSON(anchor)
		},
	}
}
