// Package tui shows a fleet on a terminal, and lets people act on it: the tabs
// Workers, Tasks and Logs, and a pane with all of one worker or task.
//
//	Source ──▶ feed ──messages──▶ model ──▶ frame ──▶ grid ──▶ tcell
//	           ◀──── wants ─────────┘
//
// The model is pure: it takes keys and messages one at a time, and says what it
// wants to know (wants) and what is to be done (act). The feed asks for that, in
// goroutines that Run waits for. A frame is drawn from the model alone; what has not
// changed on the grid is not touched. The terminal itself, and how it is given
// back whatever happens, is in terminal.go.
//
// Everything has a bound: lists, events, lines of output and how often the
// dispatcher is asked.
package tui
