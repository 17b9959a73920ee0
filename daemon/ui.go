package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gdamore/tcell/v2"
	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/tui"
)

var uiFlag = &cli.BoolFlag{Name: "ui", Usage: "show the fleet on this terminal, as octasklyctl top does; q stops the dispatcher", DisableDefaultText: true}

// ui is a dispatcher's own screen. Its log goes to a file meanwhile, and to the tab
// Logs.
type ui struct {
	screen tcell.Screen
	log    *logFile
	lines  *logLines
	socket chan string // gets where the dispatcher listens, once it does
}

// openUI refuses what has no terminal, before anything is begun.
func openUI() (*ui, error) {
	screen, err := tui.OpenScreen()
	if err != nil {
		return nil, usageError{fmt.Errorf("cannot use --ui: %w; leave it out, and octasklyctl top shows the same elsewhere", err)}
	}
	return &ui{screen: screen, log: new(logFile), lines: newLogLines(), socket: make(chan string, 1)}, nil
}

// runDispatcherUI is runDispatcher with a screen: the one ends with the other.
func runDispatcherUI(ctx context.Context, load func() (*config.Dispatcher, error), stderr io.Writer) error {
	u, err := openUI()
	if err != nil {
		return err
	}
	defer u.log.Close()
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group.Go(func() error {
		defer stop()
		return runDispatcher(ctx, load, stderr, u)
	})
	group.Go(func() error {
		defer stop()
		err := u.show(ctx)
		if path := u.log.path(); path != "" {
			fmt.Fprintf(stderr, "octasklyd: the dispatcher stops; its log is %s\n", path)
		}
		return err
	})
	return group.Wait()
}

// begin has p log to the screen's file and tab, and tell when the dispatcher listens.
func (u *ui) begin(p *process, stateDir string) error {
	if u == nil {
		return nil
	}
	if err := u.log.open(filepath.Join(stateDir, "dispatcher.log")); err != nil {
		return err
	}
	p.log = u.lines.beside(p.log, p.level)
	p.listening = func(socket string) { u.socket <- socket }
	return nil
}

// show returns when somebody has quit, the terminal is gone, or ctx is done.
func (u *ui) show(ctx context.Context) error {
	var socket string
	select {
	case socket = <-u.socket:
	case <-ctx.Done():
		return nil
	}
	c := client.New(client.Options{Socket: socket})
	defer c.Close()
	err := tui.Run(ctx, u.screen, c, tui.Options{
		Where: socket, Quit: "Stop the dispatcher?", Lines: u.lines.to,
		KeepHangup: true, Plain: tui.PlainWanted(),
	})
	if errors.As(err, new(tui.Signalled)) || ctx.Err() != nil {
		return nil // as one stops any daemon
	}
	return err
}

// logTo is where the log goes.
func (u *ui) logTo(stderr io.Writer) io.Writer {
	if u == nil {
		return stderr
	}
	return u.log
}
