package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"
)

const maxTyped = 4096

// onTerminal reports whether somebody is there to be asked.
func (s *session) onTerminal() bool {
	_, ok := terminal(s.stdin)
	return ok
}

// say writes what belongs to a question to the terminal, also where stderr goes
// elsewhere.
func (s *session) say(text string) {
	if _, ok := terminal(s.stderr); !ok {
		if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
			defer tty.Close()
			io.WriteString(tty, text)
			return
		}
	}
	io.WriteString(s.stderr, text)
}

// ask reads one line from a terminal, and nothing behind it.
func (s *session) ask(question string) (string, error) {
	s.say("octasklyctl: " + defuse(question) + " ")
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := s.stdin.Read(b)
		switch {
		case n > 0 && b[0] == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case err != nil:
			s.say("\n")
			return "", fmt.Errorf("cannot read the answer: %w", err)
		case len(line) == maxTyped:
			return "", errors.New("cannot read the answer: it is too long")
		}
		line = append(line, b[:n]...)
	}
}

// agrees asks a question of yes or no.
func (s *session) agrees(question string) (bool, error) {
	answer, err := s.ask(question + " [y/N]")
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return err == nil, err
	}
	return false, err
}

// askSecret is ask without echo.
func (s *session) askSecret(question string) (string, error) {
	fd, ok := terminal(s.stdin)
	if !ok {
		return "", errors.New("stdin is no terminal")
	}
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("cannot turn echo off: %w", err)
	}
	s.say("octasklyctl: " + defuse(question) + " ")
	defer s.say("\n")
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	typed := make(chan error, 1)
	var secret []byte
	go func() {
		var err error
		secret, err = term.ReadPassword(fd)
		typed <- err
	}()
	select {
	case err := <-typed:
		if err != nil {
			return "", fmt.Errorf("cannot read the answer: %w", err)
		}
		return string(secret), nil
	case <-interrupted: // the program ends, and with it whoever reads
		term.Restore(fd, before)
		return "", exits(exitInterrupted)
	}
}

// askNewSecret has it typed twice.
func (s *session) askNewSecret(question string) (string, error) {
	first, err := s.askSecret(question)
	if err != nil {
		return "", err
	}
	second, err := s.askSecret("once more:")
	if err == nil && first != second {
		err = errors.New("cannot use what was typed: the two are not the same")
	}
	return first, err
}

var errTooLong = errors.New("it has more")

// readSecret reads a file, or stdin where it is "-", up to its end. A newline at
// the end is none of it.
func (s *session) readSecret(path string, limit int) (string, error) {
	source, err := openSource(path, s.stdin)
	if err != nil {
		return "", err
	}
	if file, ok := source.(*os.File); ok && path != "-" {
		defer file.Close()
	}
	data, err := io.ReadAll(io.LimitReader(source, int64(limit)+3))
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	switch {
	case err != nil:
		return "", err
	case len(data) > limit:
		return "", fmt.Errorf("%w than the %d bytes allowed", errTooLong, limit)
	}
	return string(data), nil
}
