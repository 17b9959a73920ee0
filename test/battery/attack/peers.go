package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var peers = table{
	"sockets": fixed(
		sys("packet", unix.SYS_SOCKET, unix.AF_PACKET, unix.SOCK_RAW, 0), sys("ALG", unix.SYS_SOCKET, unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
		sys("VSOCK", unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM, 0), sys("TIPC", unix.SYS_SOCKET, unix.AF_TIPC, unix.SOCK_SEQPACKET, 0),
		sys("XDP", unix.SYS_SOCKET, unix.AF_XDP, unix.SOCK_RAW, 0), sys("CAN", unix.SYS_SOCKET, unix.AF_CAN, unix.SOCK_RAW, 1),
		sys("Bluetooth", unix.SYS_SOCKET, unix.AF_BLUETOOTH, unix.SOCK_RAW, 1), sys("ALG, high bits", unix.SYS_SOCKET, unix.AF_ALG|1<<32, unix.SOCK_SEQPACKET, 0),
		sys("ALG pair", unix.SYS_SOCKETPAIR, unix.AF_ALG, unix.SOCK_SEQPACKET, 0, block(8))),
	"raw":     fixed(sys("raw", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)),
	"netlink": fixed(sys("audit", unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT), sys("route", unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)),
	"connect": connect,
	"sockets-of-the-machine": func([]string) []trial {
		return []trial{{"what can be connected to", listSockets}}
	},
	"process-1": fixed(
		sys("TERM", unix.SYS_KILL, 1, uintptr(unix.SIGTERM)), sys("STOP", unix.SYS_KILL, 1, uintptr(unix.SIGSTOP)), sys("KILL", unix.SYS_KILL, 1, uintptr(unix.SIGKILL)),
		sys("queue", unix.SYS_RT_SIGQUEUEINFO, 1, uintptr(unix.SIGTERM), block(128)),
		trial{"by a pidfd", func() error {
			fd, err := unix.PidfdOpen(1, 0)
			if err == nil {
				err = unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0)
			}
			return err
		}}),
	"trace": fixed(
		sys("attach", unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1), sys("seize", unix.SYS_PTRACE, unix.PTRACE_SEIZE, 1),
		sys("read memory", unix.SYS_PROCESS_VM_READV, 1, vector(), 1, vector(), 1), sys("kcmp", unix.SYS_KCMP, 1, 1, 0, 0, 0),
		trial{"take a descriptor", func() error {
			fd, err := unix.PidfdOpen(1, 0)
			if err == nil {
				_, err = unix.PidfdGetfd(fd, 3, 0)
			}
			return err
		}}),
	"helper": fixed(
		trial{"descriptor 3", func() error { _, err := unix.Write(3, []byte{6, 0, 0, 0, 1, 3, 9}); return err }},
		trial{"/proc/1/fd/3", func() error { _, err := os.Stat("/proc/1/fd/3"); return err }},
		trial{"/proc/1/mem", func() error { _, err := os.OpenFile("/proc/1/mem", os.O_RDWR, 0); return err }},
		trial{"/proc/1/exe", func() error { _, err := os.OpenFile("/proc/1/exe", os.O_WRONLY, 0); return err }},
		trial{"/proc/self/exe", func() error { _, err := os.OpenFile("/proc/self/exe", os.O_WRONLY, 0); return err }},
		trial{"/proc/1/cwd", func() error { _, err := os.ReadDir("/proc/1/cwd/"); return err }},
		trial{"/proc/1/environ", func() error { _, err := os.ReadFile("/proc/1/environ"); return err }},
		trial{"/proc/1/oom_score_adj", func() error { _, err := os.OpenFile("/proc/1/oom_score_adj", os.O_WRONLY, 0); return err }}),
	"peers": func([]string) []trial {
		return []trial{{"processes of other tasks", findPeers}}
	},
}

// connect tries "tcp ADDRESS", "unix PATH" or "unix @NAME".
func connect(args []string) (trials []trial) {
	for i := 0; i+1 < len(args); i += 2 {
		trials = append(trials, trial{args[i+1], func() error {
			conn, err := net.DialTimeout(args[i], args[i+1], 2*time.Second)
			if err == nil {
				conn.Close()
			}
			return err
		}})
	}
	return trials
}

// listSockets fails by the names of all sockets below /run that it can connect to.
func listSockets() error {
	var open []string
	err := filepath.WalkDir("/run", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Type()&os.ModeSocket == 0 {
			return nil
		}
		for _, kind := range []string{"unix", "unixgram", "unixpacket"} {
			if conn, err := net.DialTimeout(kind, path, time.Second); err == nil {
				conn.Close()
				open = append(open, strings.TrimPrefix(path, "/run/"))
			}
		}
		return nil
	})
	if err != nil || len(open) == 0 {
		return err
	}
	return errors.New(strings.Join(open, ","))
}

// findPeers looks for this program in other tasks, for so long that they all run, and
// signals what it finds.
func findPeers() error {
	found := errors.New("none")
	for range 100 {
		links, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, link := range links {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			text, _ := os.ReadFile(link)
			if pid != os.Getpid() && strings.HasPrefix(string(text), "octaskly-attack\x00peers\x00") {
				found = errors.New("seen")
				if unix.Kill(pid, 0) == nil {
					return errors.New("signalled")
				}
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return found
}

// vector is one struct iovec.
func vector() uintptr {
	bytes := make([]byte, 8)
	v := &unix.Iovec{Base: &bytes[0]}
	v.SetLen(len(bytes))
	vectors = append(vectors, v)
	return uintptr(unsafe.Pointer(v))
}

var vectors []*unix.Iovec
