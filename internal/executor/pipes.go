package executor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/spool"
)

// pipe carries one stream. We keep its write end open until everything of the
// command is gone. So closing a stream early, which a command does at its exit at
// the latest, wakes nobody; and that a pipe is empty then means that it is done.
type pipe struct {
	stream      spool.Stream
	read, write int
}

// pipeBuffer is as much as a pipe holds by default (pipe(7)).
const pipeBuffer = 64 << 10

// maxDrain is how often a pipe is read after its command's end. More than any
// pipe holds comes only from a stranger who was given it.
const maxDrain = 256

// openPipes makes the command's outputs, and gives them to it. With merge both are
// one pipe.
func (s *slot) openPipes(merge bool, give func(fd int) error) error {
	for _, stream := range []spool.Stream{spool.Stdout, spool.Stderr} {
		if stream == spool.Stderr && merge {
			s.files[2] = s.files[1]
			break
		}
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			return err
		}
		s.pipes = append(s.pipes, pipe{stream, ends[0], ends[1]})
		s.files[stream] = uintptr(ends[1])
		// Or it could not open /dev/stdout.
		if err := give(ends[1]); err != nil {
			return err
		}
		// A command can read its own output through /proc/self/fd, and take it away
		// between our poll and our read.
		if err := unix.SetNonblock(ends[0], true); err != nil {
			return err
		}
	}
	return nil
}

func (s *slot) closePipes() {
	for _, p := range s.pipes {
		unix.Close(p.read)
		unix.Close(p.write)
	}
	s.pipes = s.pipes[:0]
}

// read takes from each pipe that the last poll found filled what it holds.
func (s *slot) read(e *entry) (some bool) {
	for i, p := range s.pipes {
		if s.poll[pollPipes+i].Revents&unix.POLLIN == 0 {
			continue
		}
		n, err := unix.Read(p.read, s.buf)
		if err != nil || n <= 0 {
			continue
		}
		some = true
		if err := e.output.Append(p.stream, s.buf[:n]); err != nil {
			s.x.log.Error("output is lost", "attempt", e.ID.String(), "error", err)
		}
	}
	return some
}

// drain reads what the command has left in its pipes.
func (s *slot) drain(e *entry) {
	for range maxDrain {
		s.await(s.poll[pollPipes:pollPipes+len(s.pipes)], time.Now())
		if !s.read(e) {
			return
		}
	}
}
