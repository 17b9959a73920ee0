package systemd

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// answers are what a process that was started with sockets made of them.
type answers struct {
	Failed   string   // Inherited's error
	Asked    []string // one for each ask
	Unused   []string
	Leaking  []string // what its children would inherit
	Twice    int      // sockets that a second Inherited finds
	LeftOver []string // LISTEN_* in its environment
}

// askSockets is such a process. It asks for "stream NAME" and "packet NAME".
func askSockets(asks string) int {
	var a answers
	s, err := Inherited()
	if err != nil {
		a.Failed = err.Error()
		s = &Sockets{}
	}
	for _, w := range s.waiting {
		if flags, _ := unix.FcntlInt(w.file.Fd(), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
			a.Leaking = append(a.Leaking, w.file.Name())
		}
	}
	for ask := range strings.SplitSeq(asks, ",") {
		kind, name, _ := strings.Cut(ask, " ")
		a.Asked = append(a.Asked, askSocket(s, kind, name))
	}
	a.Unused = s.Close()
	if again, err := Inherited(); err == nil {
		a.Twice = len(again.waiting)
	}
	for _, pair := range os.Environ() {
		if strings.HasPrefix(pair, "LISTEN_") {
			a.LeftOver = append(a.LeftOver, pair)
		}
	}
	json.NewEncoder(os.Stdout).Encode(a)
	return 0
}

// askSocket says what it was given, and what the parent had sent there.
func askSocket(s *Sockets, kind, name string) string {
	if kind == "packet" {
		conn, err := s.Packet(name)
		if conn == nil {
			return fmt.Sprint("none ", err)
		}
		defer conn.Close()
		buf := make([]byte, 100)
		n, _, err := conn.ReadFrom(buf)
		return fmt.Sprintf("%T %s %v", conn, buf[:n], err)
	}
	l, err := s.Listener(name)
	if l == nil {
		return fmt.Sprint("none ", err)
	}
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	return fmt.Sprintf("%T %s %v", l, buf[:n], err)
}

// manager plays the service manager: it opens sockets and leaves in each what
// its client said before the daemon came up.
type manager struct {
	t     *testing.T
	dir   string
	files []*os.File
	names []string
}

func (m *manager) pass(name string, socket interface{ File() (*os.File, error) }) {
	file, err := socket.File()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { file.Close() })
	m.files, m.names = append(m.files, file), append(m.names, name)
}

func (m *manager) say(network, address, text string) {
	conn, err := net.Dial(network, address)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte(text)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *manager) path(name string) string { return filepath.Join(m.dir, name) }

func (m *manager) unix(name string) {
	l, err := net.Listen("unix", m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	defer l.Close()
	m.say("unix", m.path(name), "over "+name)
	m.pass(name, l.(*net.UnixListener))
}

func (m *manager) tcp(name string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	defer l.Close()
	m.say("tcp", l.Addr().String(), "over "+name)
	m.pass(name, l.(*net.TCPListener))
}

func (m *manager) udp(name string) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	m.say("udp", conn.LocalAddr().String(), "over "+name)
	m.pass(name, conn.(*net.UDPConn))
}

// connection passes what a unit with Accept=yes would.
func (m *manager) connection(name string) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	unix.Close(pair[1])
	file := os.NewFile(uintptr(pair[0]), name)
	m.t.Cleanup(func() { file.Close() })
	m.files, m.names = append(m.files, file), append(m.names, name)
}

// start starts a process with the sockets, which asks for them.
func (m *manager) start(asks string) answers {
	m.t.Helper()
	program, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, program) // only the process itself knows its pid
	cmd.ExtraFiles = m.files
	cmd.Env = append(os.Environ(), "TEST_ASK_SOCKETS="+asks, "GORACE=atexit_sleep_ms=0",
		fmt.Sprintf("LISTEN_FDS=%d", len(m.files)), "LISTEN_FDNAMES="+strings.Join(m.names, ":"))
	cmd.Stderr = m.t.Output()
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatal(err)
	}
	var a answers
	if err := json.Unmarshal(out, &a); err != nil {
		m.t.Fatalf("%q: %v", out, err)
	}
	return a
}

func TestSockets(t *testing.T) {
	const of = " of the service manager: "
	tests := []struct {
		name string
		pass func(*manager)
		asks string
		want answers
	}{
		{"each by its name", func(m *manager) { m.udp("quic"); m.unix("control"); m.tcp("workers") },
			"stream control,stream workers,packet quic,stream control",
			answers{Asked: []string{"*net.UnixListener over control <nil>", "*net.TCPListener over workers <nil>", "*net.UDPConn over quic <nil>", "none <nil>"}}},
		{"nothing is passed", func(*manager) {}, "stream control,packet quic",
			answers{Asked: []string{"none <nil>", "none <nil>"}}},
		{"unknown ones", func(m *manager) { m.tcp("octasklyd-worker.socket"); m.unix("control"); m.udp("x") }, "stream control",
			answers{Asked: []string{"*net.UnixListener over control <nil>"}, Unused: []string{"octasklyd-worker.socket", "x"}}},
		{"several of one name", func(m *manager) { m.tcp("workers"); m.tcp("workers") }, "stream workers",
			answers{Asked: []string{`none cannot use socket "workers"` + of + "it passed 2 of that name, wants one"}, Unused: []string{"workers", "workers"}}},
		{"datagrams for a stream", func(m *manager) { m.udp("workers") }, "stream workers",
			answers{Asked: []string{`none cannot use socket "workers"` + of + "its unit says ListenDatagram=, wants ListenStream="}, Unused: []string{"workers"}}},
		{"a stream for datagrams", func(m *manager) { m.tcp("quic") }, "packet quic",
			answers{Asked: []string{`none cannot use socket "quic"` + of + "its unit says ListenStream=, wants ListenDatagram="}, Unused: []string{"quic"}}},
		{"a connection", func(m *manager) { m.connection("control") }, "stream control",
			answers{Asked: []string{`none cannot use socket "control"` + of + "it is a connection: its unit says Accept=yes, wants Accept=no"}, Unused: []string{"control"}}},
		{"no socket", func(m *manager) { m.unix("control"); m.file("fifo") }, "stream control",
			answers{Failed: `cannot take socket "fifo"` + of + "socket operation on non-socket", Asked: []string{"none <nil>"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := &manager{t: t, dir: t.TempDir()}
			test.pass(m)
			if diff := cmp.Diff(test.want, m.start(test.asks)); diff != "" {
				t.Error(diff)
			}
			for _, name := range m.names {
				if _, err := os.Lstat(m.path(name)); name == "control" && test.want.Unused == nil && err != nil {
					t.Errorf("the manager's path is gone: %v", err)
				}
			}
		})
	}
}

func (m *manager) file(name string) {
	file, err := os.Create(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { file.Close() })
	m.files, m.names = append(m.files, file), append(m.names, name)
}

// Sockets of another process, whose environment was handed on, are not ours.
func TestSocketsOfAnother(t *testing.T) {
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "3")
	s, err := Inherited()
	if err != nil || len(s.waiting) != 0 {
		t.Errorf("%v, %v", s, err)
	}
	if _, there := os.LookupEnv("LISTEN_FDS"); there {
		t.Error("LISTEN_FDS is still there")
	}
}
