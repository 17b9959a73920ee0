package tui

import (
	"cmp"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
)

func (v *logsView) columns() []column[*logRow] {
	m := v.m
	style := func(r *logRow) tcell.Style {
		return []tcell.Style{m.palette.dim, m.palette.plain, m.palette.warning, m.palette.bad}[r.level]
	}
	of := func(f func(*api.Event) string) func(*logRow, int) (string, tcell.Style) {
		return func(r *logRow, _ int) (string, tcell.Style) {
			if r.event == nil {
				return "", m.palette.plain
			}
			return f(r.event), m.palette.plain
		}
	}
	return []column[*logRow]{
		{title: "TIME", cell: func(r *logRow, _ int) (string, tcell.Style) {
			if r.at.IsZero() {
				return "", m.palette.dim
			}
			return r.at.Local().Format(time.TimeOnly), m.palette.dim
		}},
		{title: "LEVEL", rank: 1, cell: func(r *logRow, _ int) (string, tcell.Style) { return levels[r.level], style(r) }},
		{title: "TASK", most: 14, cell: of(func(e *api.Event) string { return cmp.Or(e.Task, e.Job) })},
		{title: "WHAT", cell: func(r *logRow, _ int) (string, tcell.Style) { return r.kind, style(r) }},
		{title: "WORKER", most: 16, cell: of(func(e *api.Event) string { return e.Worker })},
		{title: "", flex: true, cell: func(r *logRow, _ int) (string, tcell.Style) { return r.text, style(r) }},
	}
}
