package main

import (
	"errors"
	"math"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// link is the socket to the executor.
type link struct{ fd int }

// errLeft says that the executor has closed its end.
var errLeft = errors.New("the executor is gone")

// mark keeps all descriptors but the first three from the command, whoever
// opened them.
func mark() error { return unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }

// fail says what could not be done.
func fail(step plan.Step, object string, err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		errno = unix.EPROTO
	}
	return &plan.Failed{Step: step, Errno: errno, Object: object}
}

// fail reports err and returns our exit code. It may be that nobody listens.
func (l link) fail(err error) int {
	if failed, ok := err.(*plan.Failed); ok {
		_ = l.send(failed)
	}
	return exitFailed
}

func (l link) send(r plan.Record) error {
	for b := plan.EncodeRecord(r); len(b) > 0; {
		n, err := unix.Write(l.fd, b)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

func (l link) room() (*plan.Room, error) {
	o, given, err := l.receive()
	if err != nil {
		return nil, err
	}
	r, ok := o.(*plan.Room)
	if !ok || len(given) > 0 {
		return nil, fail(plan.StepPlan, "it begins with no room", unix.EPROTO)
	}
	return r, nil
}

func (l link) task() (*plan.Task, []int, error) {
	o, given, err := l.receive()
	if err != nil {
		return nil, nil, err
	}
	t, ok := o.(*plan.Task)
	if !ok {
		return nil, nil, fail(plan.StepPlan, "no task follows the room", unix.EPROTO)
	}
	return t, given, nil
}

// receive waits for an order.
func (l link) receive() (o plan.Order, given []int, err error) {
	header, given, err := l.read(plan.HeaderSize)
	if err != nil {
		return nil, nil, err
	}
	size, err := plan.Size(header, plan.MaxFrame)
	if err != nil {
		return nil, nil, fail(plan.StepPlan, err.Error(), unix.EPROTO)
	}
	body, more, err := l.read(size)
	if err != nil {
		return nil, nil, err
	}
	if o, err = plan.DecodeOrder(body); err != nil {
		return nil, nil, fail(plan.StepPlan, err.Error(), unix.EPROTO)
	}
	return o, append(given, more...), nil
}

// read reads n bytes, and takes what descriptors come with them.
func (l link) read(n int) (b []byte, given []int, err error) {
	b = make([]byte, n)
	space := make([]byte, unix.CmsgSpace(4*maxGiven))
	for got := 0; got < n; {
		k, space, err := l.readSome(b[got:], space)
		if err != nil {
			return nil, nil, err
		}
		fds, err := descriptors(space)
		if err != nil {
			return nil, nil, err
		}
		got, given = got+k, append(given, fds...)
	}
	return b, given, nil
}

// maxGiven is how many descriptors may come at a time.
const maxGiven = 32

func (l link) readSome(b, space []byte) (n int, control []byte, err error) {
	for {
		n, oobn, flags, _, err := unix.Recvmsg(l.fd, b, space, unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, nil, err
		case n == 0:
			return 0, nil, errLeft
		case flags&unix.MSG_CTRUNC != 0:
			return 0, nil, fail(plan.StepPlan, "too many descriptors", unix.EMFILE)
		}
		return n, space[:oobn], nil
	}
}

func descriptors(control []byte) (fds []int, err error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, fail(plan.StepPlan, "descriptors", err)
	}
	for i := range messages {
		some, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return nil, fail(plan.StepPlan, "descriptors", err)
		}
		fds = append(fds, some...)
	}
	return fds, nil
}
