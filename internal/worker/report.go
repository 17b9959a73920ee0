package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// linger is how long a report waits for company while the executor has more to
// do. A worker that runs dry reports at once.
const linger = 5 * time.Millisecond

// maxReport bounds the ends in one frame, each of which may carry output.
const maxReport = 32

// report sends what the executor has to say, answers pings, and says goodbye
// when ctx is done and stopped has ended the commands.
func (s *session) report(ctx, link context.Context, stopped func()) error {
	if err := s.sendEnds(s.Executor.Unacknowledged()); err != nil {
		return err
	}
	for {
		var ping uint64
		var recalled []octaskly.AttemptID
		select {
		case <-s.Executor.Wake():
			if !s.Executor.Idle() {
				sleep(link, linger)
			}
		case ping = <-s.pongs:
		case recalled = <-s.given:
		case caller := <-s.asks:
			if err := s.write(&protocol.FromWorker{Callers: []protocol.Caller{caller}}); err != nil {
				return err
			}
			continue
		case <-ctx.Done():
			return s.leave(link, stopped)
		case <-link.Done():
			return link.Err()
		}
		if err := s.answer(ping, recalled); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
		if ping != 0 {
			if err := s.sendUsage(); err != nil {
				return err
			}
		}
	}
}

// answer sends a Pong and what was recalled, if there is either.
func (s *session) answer(ping uint64, recalled []octaskly.AttemptID) error {
	if ping == 0 && len(recalled) == 0 {
		return nil
	}
	s.lease.sending(ping)
	return s.write(&protocol.FromWorker{Pong: ping, Recalled: recalled})
}

// maxUsage is how many attempts run at most on one worker. Each takes up to 150
// bytes of a frame.
const maxUsage = 4096

// sendUsage says what every running attempt uses. It follows its Pong in a frame
// of its own, since it takes time to find out.
func (s *session) sendUsage() error {
	usage := s.Executor.Usage()
	if len(usage) == 0 {
		return nil
	}
	return s.write(&protocol.FromWorker{Usage: usage[:min(len(usage), maxUsage)]})
}

// flush sends all that the executor reports by now.
func (s *session) flush() error {
	started, finished := s.Executor.Take()
	if len(started) > 0 {
		if err := s.write(&protocol.FromWorker{Started: started}); err != nil {
			return err
		}
	}
	return s.sendEnds(finished)
}

func (s *session) sendEnds(finished []protocol.Finished) error {
	for len(finished) > 0 {
		n := min(len(finished), maxReport)
		if err := s.write(&protocol.FromWorker{Finished: finished[:n]}); err != nil {
			return err
		}
		finished = finished[n:]
	}
	return nil
}

// leave waits for the commands to be ended and tells the dispatcher, which hears
// meanwhile that somebody is there: a grace may be longer than a lease.
func (s *session) leave(link context.Context, stopped func()) error {
	s.callers.end() // nobody sends what would be asked
	if err := s.write(&protocol.FromWorker{Leaving: true}); err != nil {
		s.Log.Debug("Cannot say that this worker stops", "error", err)
	}
	ended := make(chan struct{})
	s.group.Go(func() error {
		defer close(ended)
		stopped()
		return nil
	})
	for waits := true; waits; {
		var ping uint64
		var recalled []octaskly.AttemptID
		select {
		case <-ended:
			waits = false
		case <-s.Executor.Wake(): // what has ended by now need not wait for the rest
		case ping = <-s.pongs:
		case recalled = <-s.given:
		case <-link.Done():
			<-ended
			return link.Err()
		}
		if err := s.answer(ping, recalled); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
	if err := s.write(&protocol.FromWorker{Goodbye: true}); err != nil {
		return err
	}
	// What is still to be read would make a reset of our Close, and lose the word.
	select {
	case <-s.link.Done():
	case <-time.After(partingTime):
	}
	return errGoodbye
}

// partingTime is how long the other side may take to close after a goodbye.
const partingTime = time.Second

func (s *session) write(batch *protocol.FromWorker) error {
	s.meter.up(batch)
	s.link.Control().SetWriteDeadline(time.Now().Add(writeTimeout))
	return s.out.Write(batch)
}

// sendOutput answers a fetch: the attempt's output from a byte of it to its
// end, however long its command may run. Should the channel break, the
// dispatcher asks again.
func (s *session) sendOutput(ctx context.Context, fetch protocol.Fetch) {
	log, ok := s.Executor.Output(fetch.ID)
	if ok {
		fetch.Size = log.Size()
	}
	header, err := protocol.Marshal(&protocol.BulkHeader{Output: &fetch})
	if err != nil {
		return
	}
	channel := openBulk(ctx, s.link, header, s.Log)
	if channel == nil {
		return // the session is over
	}
	defer channel.Close()
	if !ok {
		return // an empty channel says that there is none
	}
	r := log.Reader(ctx, fetch.From, true)
	defer r.Close()
	copyOut(s.meter.measure(channel), r)
}

// openBulk tries for as long as the session lives: the dispatcher may be crowded.
func openBulk(ctx context.Context, link transport.Session, header []byte, log *slog.Logger) transport.Channel {
	for ctx.Err() == nil {
		channel, err := link.OpenBulk(ctx, header)
		if err == nil {
			return channel
		}
		log.Debug("Cannot open a bulk channel; trying again", "error", err)
		sleep(ctx, bulkPause)
	}
	return nil
}

const bulkPause = time.Second

// bulkTimeout is how long the dispatcher may take to read what is sent.
const bulkTimeout = 60 * time.Second

// copyOut copies to the end. What breaks off is cut for the other side as well.
func copyOut(to transport.Channel, from io.Reader) {
	buf := make([]byte, 128<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			to.SetWriteDeadline(time.Now().Add(bulkTimeout))
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			to.Abort()
			return
		}
	}
}
