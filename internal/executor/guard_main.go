package executor

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/procfs"
)

// ErrNoExecutor says that a guard was started by somebody else than an executor.
var ErrNoExecutor = errors.New("a guard is started by an executor, and not by hand")

// Guard is the life of a guard process, which executors start (Config.Guard). It
// keeps the leases of attempts with Spec.AtMostOne where the executor cannot,
// because it was killed or stopped, and ends when that is gone and nothing of its
// attempts is left. In is the socket between the two.
func Guard(in *os.File) error {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT)
	fd := int(in.Fd())
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return ErrNoExecutor
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("cannot make a timer: %w", err)
	}
	defer unix.Close(timer)
	_ = os.WriteFile("/proc/self/comm", []byte("octaskly-guard"), 0) // for who looks at the list of processes
	g := &post{socket: fd, timer: timer, watch: watch{wards: map[uint64]*ward{}}}
	return g.stand()
}

// post is where a guard stands: one goroutine that hears its executor and its timer.
type post struct {
	socket, timer int
	watch
}

func (g *post) stand() error {
	for !g.over(Now()) {
		if err := g.wait(); err != nil {
			return err
		}
		g.act(Now()) // by what it knew, however late it is
		if g.alone == 0 {
			g.hear()
			g.act(Now())
		}
	}
	return nil
}

// wait returns when there is something to hear or to do.
func (g *post) wait() error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(g.next(Now())))}
	if err := unix.TimerfdSettime(g.timer, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		return fmt.Errorf("cannot set a timer: %w", err)
	}
	fds := []unix.PollFd{{Fd: int32(g.timer), Events: unix.POLLIN}, {Fd: int32(g.socket), Events: unix.POLLIN}}
	if g.alone != 0 {
		fds = fds[:1]
	}
	if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("cannot wait: %w", err)
	}
	return nil
}

// hear takes one word of the executor, if there is one, and answers.
func (g *post) hear() {
	var buf [maxGuardFrame + 1]byte
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, flags, _, err := unix.Recvmsg(g.socket, buf[:], oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNRESET): // the latter comes before its last words
		return
	case err != nil || n == 0:
		g.leave(Now())
		return
	}
	dir := received(oob[:oobn])
	defer closeAll(dir)
	f, err := parseGuardFrame(buf[:n])
	answer := guardFrame{kind: guardRefused, id: f.id}
	if err == nil && flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) == 0 && g.obey(&f, dir) {
		answer.kind = guardDone
	}
	if text, err := answer.append(nil); err == nil {
		_ = unix.Send(g.socket, text, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) // who is gone needs none
	}
}

// obey does what the executor says.
func (g *post) obey(f *guardFrame, dir []int) bool {
	now := Now()
	switch f.kind {
	case guardBegin:
		return g.admit(f, dir, now)
	case guardLead:
		ward := g.wards[f.id]
		if ward == nil {
			return false
		}
		ward.target.lead(int(f.value), f.start)
	case guardUntil:
		g.renew(Moment(f.value), now)
	case guardOver:
		g.end(f.id)
	default:
		return false
	}
	return true
}

func (g *post) admit(f *guardFrame, dir []int, now Moment) bool {
	var t target
	switch {
	case len(dir) == 1:
		group, err := openGroup(dir[0])
		if err != nil {
			return false
		}
		t = group
	case len(dir) == 0 && len(f.marks) > 0:
		t = &treeTarget{marks: f.marks, since: uint64(now) / uint64(procfs.ClockTick)}
	default:
		return false
	}
	if !g.begin(f.id, t, now) {
		t.close()
		return false
	}
	return true
}

// received are the descriptors that came with a word.
func received(oob []byte) (fds []int) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range messages {
		if list, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, list...)
		}
	}
	return fds
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
