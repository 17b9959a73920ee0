package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// usualRows is how many of the audit log are shown without --limit.
const usualRows = 50

func (s *session) auditCommand() *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "see who did what, and whether the log of it is intact",
		Description: "The audit log has a row for each action that changes something and for each refusal: who,\n" +
			"from where, what, to what, and how it came out. Each row is chained to the one before, so\n" +
			"that none can be changed or taken away unseen. octasklyctl audit alone is audit ls. It is\n" +
			"for admins.",
		ArgsUsage:   "[COMMAND]",
		Subcommands: []*cli.Command{s.auditLsCommand(), s.auditVerifyCommand(), s.auditAnchorCommand()},
	}
}

func (s *session) auditLsCommand() *cli.Command {
	return &cli.Command{
		Name:  "ls",
		Usage: "list actions and refusals",
		Description: "Lists rows of the audit log, the latest first. TIME is a length of time before now, such as\n" +
			"2h, or a time such as 2026-01-31, 2026-01-31T23:59 or one of RFC 3339.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl audit\noctasklyctl audit ls --what task --who ann --since 2h\noctasklyctl audit ls --outcome refused --limit 1000 -o json",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "who", Usage: "only those of the user `NAME`; logins that failed are nobody's: --target NAME has them"},
			&cli.StringFlag{Name: "what", Usage: "only `ACTION`, such as task.submit, or task for all of tasks"},
			&cli.StringFlag{Name: "target", Usage: "only those about `ID`: a job, worker, user or token"},
			&cli.StringFlag{Name: "outcome", Usage: "only those with `OUTCOME`: done, refused (all that is not done), or a kind such as denied"},
			&cli.StringFlag{Name: "since", Usage: "only those from `TIME` on"},
			&cli.StringFlag{Name: "until", Usage: "only those before `TIME`"},
			&cli.StringFlag{Name: "limit", Usage: "at most `N` of them (default: 50)"},
		},
		Action: s.auditLs,
	}
}

func (s *session) auditLs(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	now := time.Now()
	f := api.AuditFilter{Who: c.String("who"), What: c.String("what"), Target: c.String("target"), Outcome: c.String("outcome")}
	limit, err := countFlag(c, "limit", 1, maxListed)
	if err == nil {
		f.Since, err = timeFlag(c, "since", now)
	}
	if err == nil {
		f.Until, err = timeFlag(c, "until", now)
	}
	if err != nil {
		return err
	}
	if limit == 0 {
		limit = usualRows
	}
	rows, err := s.auditRows(c.Context, f, limit)
	if err != nil {
		return s.aboutAudit(err)
	}
	return s.writeAudit(rows)
}

// auditRows goes from page to page.
func (s *session) auditRows(ctx context.Context, f api.AuditFilter, limit int) ([]api.AuditRow, error) {
	all := []api.AuditRow{}
	for {
		f.Limit = min(api.MaxLimit, limit-len(all))
		page, err := s.client.Audit(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < f.Limit || len(all) >= limit {
			return all, nil
		}
		f.Before = page[len(page)-1].Seq
	}
}

func (s *session) writeAudit(rows []api.AuditRow) error {
	switch s.output {
	case outputJSON:
		return s.printJSON(api.Audit{Actions: rows})
	case outputQuiet:
		for _, r := range rows {
			if err := s.print("%d\n", r.Seq); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable("ROW", "AT", "WHO", "FROM", "WHAT", "TARGET", "OUTCOME", "DETAIL")
	for _, r := range rows {
		t.add(fmt.Sprint(r.Seq), r.At.Local().Format(time.RFC3339), r.Who, r.From, r.What, r.Target, r.Outcome, r.Detail)
	}
	t.dropEmpty("DETAIL")
	t.give, t.width = len(t.rows[0])-1, terminalWidth(s.stdout)
	return t.write(s.stdout)
}

// aboutAudit adds to an error of these commands what to type next.
func (s *session) aboutAudit(err error) error {
	if errors.Is(err, octaskly.ErrDenied) {
		return s.notAdmin(err)
	}
	return err
}

// timeForms are those of a time that is not RFC 3339, in the zone of this machine.
var timeForms = []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// timeFlag is zero where the flag is not given.
func timeFlag(c *cli.Context, name string, now time.Time) (time.Time, error) {
	if !c.IsSet(name) {
		return time.Time{}, nil
	}
	at, err := parseTime(c.String(name), now)
	if err != nil {
		return time.Time{}, badFlag(name, err)
	}
	return at, nil
}

func parseTime(text string, now time.Time) (time.Time, error) {
	if ago, err := units.ParseDuration(text); err == nil {
		return now.Add(-ago.Std()), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, form := range timeForms {
		if at, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.80q is no time: want one such as 2026-01-31 or 2026-01-31T23:59, or a length of time such as 2h", text)
}
