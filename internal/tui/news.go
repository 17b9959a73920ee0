package tui

import (
	"errors"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// noticeFor is how long the bottom line says what has been done.
const noticeFor = 8 * time.Second

type notice struct {
	text  string
	bad   bool
	until time.Time
}

// link says how it stands with the dispatcher.
type link struct {
	err   error // nil: it answers
	again time.Time
}

func (m *model) setStats(stats *api.Stats) {
	if m.link.err != nil {
		m.link = link{}
		m.again++
	}
	m.stats = stats
	if fleet := stats.FleetStats; fleet != nil {
		m.rates.add(m.now, fleet.Rate)
	}
}

// fail shows an error where it belongs. What cannot be reached for one reason
// cannot be for all, so stats, which are asked for always, speak for the link.
func (m *model) fail(f failed) {
	switch f.what {
	case aboutStats:
		m.link = link{f.err, f.again}
	case aboutWorkers:
		m.workers.err = f.err
		m.stale(f.err, len(m.workers.list.rows))
	case aboutJobs:
		m.tasks.err = f.err
		m.stale(f.err, len(m.tasks.list.rows))
	case aboutEvents:
		m.logs.err = f.err
		m.stale(f.err, len(m.logs.list.rows))
	default:
		if d := m.detail(); d != nil {
			d.take(f)
		}
	}
}

// stale says that rows are of earlier, where nothing else does.
func (m *model) stale(err error, rows int) {
	_, unreachable := errors.AsType[*client.Unreachable](err)
	if rows > 0 && m.link.err == nil && !unreachable && !errors.Is(err, client.ErrCut) && !errors.Is(err, octaskly.ErrUnavailable) {
		m.say(err.Error(), true)
	}
}

func (m *model) finish(d done) {
	if d.err != nil {
		text := d.err.Error()
		if !strings.HasPrefix(text, "cannot ") {
			text = "cannot " + d.act.verb + " " + d.act.name + ": " + text
		}
		m.say(text, true)
		return
	}
	m.say(d.text, false)
	m.again++
}

func (m *model) say(text string, bad bool) { m.notice = notice{text, bad, m.now.Add(noticeFor)} }
