package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ends are ways to outlive, to hide, and to speak in others' names.
var ends = table{
	"sibling": func([]string) []trial { return []trial{{"a child of process 1", sibling}} },
	"oom-score": func([]string) []trial {
		return []trial{
			{"lower", func() error { return os.WriteFile("/proc/self/oom_score_adj", []byte("-500"), 0) }},
			{"lower by one", func() error { return os.WriteFile("/proc/self/oom_score_adj", []byte("499"), 0) }},
		}
	},
	"notify": func([]string) []trial {
		const path = "/run/systemd/notify"
		return []trial{
			{"the service manager", func() error { return tell(path, "MAINPID=1\nSTOPPING=1\nWATCHDOG=trigger\nSTATUS=octaskly-attack") }},
		}
	},
	"journal": func([]string) []trial {
		const path = "/run/systemd/journal/socket"
		return []trial{{"the journal", func() error {
			return tell(path, "MESSAGE=octaskly-attack was here\nOCTASKLY_TASK=1\nOCTASKLY_EVENT=failed\n")
		}}}
	},
	"ignore": func([]string) []trial { return []trial{{"all signals", ignore}} },
	"lock-memory": func([]string) []trial {
		return []trial{{"mlockall", func() error { return unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE) }}}
	},
	"subreaper": func([]string) []trial {
		return []trial{{"children that nobody waits for", func() error {
			if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
				return err
			}
			return exec.Command("sh", "-c", "setsid sleep 1000 & setsid sh -c 'trap : TERM HUP; while :; do sleep 1; done' & exit 0").Run()
		}}}
	},
}

// sibling makes a process whose parent is ours, and which stays.
func sibling() error {
	process, err := os.StartProcess("/usr/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_PARENT, Setsid: true},
	})
	if err != nil {
		return err
	}
	return process.Release()
}

// tell sends a datagram.
func tell(path, text string) error {
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(text))
	return err
}

// ignore takes no notice of any signal, for good.
func ignore() error {
	for sig := range 64 {
		signal.Ignore(syscall.Signal(sig + 1))
	}
	fmt.Println("up")
	time.Sleep(time.Hour)
	return nil
}
