package systemd

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/daemon"
)

// maxStatus bounds a status, in bytes: the manager ignores messages over 4 KiB.
const maxStatus = 1024

// Ready says that the daemon serves, or serves again after Reloading. Like all
// of these, it says nothing where no service manager listens (NOTIFY_SOCKET),
// and is the manager's to miss when it gets lost. An empty status leaves the last
// one.
func Ready(status string) {
	if status == "" {
		notify(daemon.SdNotifyReady)
		return
	}
	notify(daemon.SdNotifyReady + "\n" + statusLine(status))
}

// Status says for people, in one line, what the daemon does; systemctl status
// shows it.
func Status(text string) { notify(statusLine(text)) }

// Reloading says that the daemon takes a new configuration; Ready must follow.
// The time in it is what Type=notify-reload waits for.
func Reloading() { notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec()) }

// Stopping says that the daemon is on its way out. The manager's watchdog is off
// from then on.
func Stopping(status string) { notify(daemon.SdNotifyStopping + "\n" + statusLine(status)) }

// Extend asks for d more, from now on, to start, reload or stop.
func Extend(d time.Duration) {
	notify("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(d.Microseconds(), 10))
}

// extension is what ExtendUntil asks for, each time again before it is over.
const extension = 2 * time.Minute

// ExtendUntil goes on to ask for more time until done is closed.
func ExtendUntil(done <-chan struct{}) {
	again := time.NewTicker(extension / 4)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			Extend(extension)
		case <-done:
			return
		}
	}
}

func notify(state string) { daemon.SdNotify(false, state) }

// statusLine makes one line of valid UTF-8 of text, as the manager wants it.
func statusLine(text string) string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return "STATUS=" + string(cut([]byte(line), maxStatus))
}
