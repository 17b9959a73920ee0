package transport

import (
	"bytes"
	"errors"
	"log"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/security"
)

func TestSmallBuffers(t *testing.T) {
	if err := smallBuffers(udpBuffer, 2*udpBuffer); err != nil {
		t.Error(err)
	}
	for _, sizes := range [][2]int{{udpBuffer - 1, udpBuffer}, {udpBuffer, 212992}} {
		if err := smallBuffers(sizes[0], sizes[1]); err == nil || !strings.Contains(err.Error(), "sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000") {
			t.Errorf("%v: %v", sizes, err)
		}
	}
}

func TestPassing(t *testing.T) {
	sendmsg := func(errno unix.Errno) error {
		return &net.OpError{Op: "write", Err: os.NewSyscallError("sendmsg", errno)}
	}
	for _, errno := range []unix.Errno{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN, unix.EADDRNOTAVAIL, unix.ENOBUFS} {
		if !isPassing(sendmsg(errno)) {
			t.Errorf("%v ends a connection", errno)
		}
	}
	for _, errno := range []unix.Errno{unix.EMSGSIZE, unix.EIO, unix.EBADF} { // quic-go's to handle
		if isPassing(sendmsg(errno)) {
			t.Errorf("%v is kept from QUIC", errno)
		}
	}
	if isPassing(errors.New("else")) {
		t.Error("anything is passing")
	}
}

// TestQUICIsSilent wants what quic-go would log to be told to us, for Slow.
func TestQUICIsSilent(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	cfg := Config{Key: security.GenerateKey()}
	l := listenQUIC(t, cfg)
	worker, _ := connectQUIC(t, l, l.Addr().String(), cfg)
	worker.Close()
	l.Close()
	if logged.Len() > 0 {
		t.Errorf("logged: %s", &logged)
	}
}

// TestQUICOptions wants the kernel's news of the network to count only while the
// session is opened.
func TestQUICOptions(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenQUIC(t, cfg)
	worker, _ := connectQUIC(t, l, l.Addr().String(), cfg)
	raw, err := worker.(*quicWorkerSession).wire.socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if value, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR); value != 0 || err != nil {
			t.Errorf("IP_RECVERR is %d, %v", value, err)
		}
	})
	state := worker.(*quicWorkerSession).conn.ConnectionState()
	if state.Used0RTT || state.TLS.DidResume || state.TLS.NegotiatedProtocol != byKey {
		t.Errorf("0-RTT %v, resumed %v, protocol %q", state.Used0RTT, state.TLS.DidResume, state.TLS.NegotiatedProtocol)
	}
}
