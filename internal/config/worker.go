package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/dirs"
)

// Worker configures `octasklyd worker`.
type Worker struct {
	Common
	// Socket is the path of the worker's own control socket, 107 bytes at most.
	// Default: see package dirs.
	Socket string `toml:"socket"`
	// Dispatcher is the HOST:PORT of the dispatcher. Default: empty, the one on
	// this machine, or else one that is heard on the network.
	Dispatcher string `toml:"dispatcher"`
	// Transport is by what the dispatcher is reached: tcp, quic or auto, which is
	// TCP, and QUIC where TCP cannot connect. Default: auto.
	Transport string `toml:"transport"`
	// Discover looks for a dispatcher of Fleet by multicast DNS, where Dispatcher is
	// empty. Default: true.
	Discover bool `toml:"discover"`
	// Fleet is the name of the fleet whose dispatcher is looked for.
	// Default: "default".
	Fleet string `toml:"fleet"`
	// JoinKeyFile holds the key that the dispatcher knows. Default: systemd's
	// credential fleet.key, else empty, the key of the dispatcher on this machine.
	JoinKeyFile string `toml:"join_key_file"`
	// InviteFile holds an invite, by which the worker joins. Default: systemd's
	// credential invite, else empty, there is none.
	InviteFile string `toml:"invite_file"`
	// Name is what the fleet calls this worker. Default: the host's name.
	Name string `toml:"name"`
	// Door is where the worker answers for itself to other machines.
	Door
	// Executor is the path of the socket of the executor that runs commands, and
	// has their Capacity and Boxes. Default: empty, the worker runs them itself.
	Executor string `toml:"executor"`
	Capacity
	Boxes
}

// executorKeys are the keys of a worker that count only without Executor.
var executorKeys = slices.Concat(capacityKeys, boxesKeys)

// LoadWorker reads the configuration of a worker. The error holds every
// *Problem that was found (errors.As finds the first).
func LoadWorker(src Sources) (*Worker, error) {
	w := newWorker()
	return w, load(dirs.Worker, w, src)
}

func newWorker() *Worker {
	// A host without a name is as good as one with a bad name: check says so.
	host, _ := os.Hostname()
	socket, _ := dirs.Socket(dirs.Worker)
	w := &Worker{Common: newCommon(dirs.Worker), Socket: socket, Name: host, Transport: auto, Discover: true, Fleet: "default", Capacity: newCapacity(), Boxes: newBoxes(true, 0)}
	w.JoinKeyFile = w.keyCredential()
	w.InviteFile = w.credential("invite", "invite_file")
	return w
}

// uses is false for what is the executor's to say.
func (w *Worker) uses(key string) bool {
	return w.Executor == "" || !slices.Contains(executorKeys, key)
}

var errInviteItself = errors.New("this is an invite and not the path of a file; it has been seen in the list of processes by now: write another one into a file of mode 0600")

func (w *Worker) check(l *loader) {
	w.Common.check(l)
	l.socket("socket", w.Socket)
	l.require("dispatcher", remoteAddress(w.Dispatcher))
	l.require("transport", oneOf(w.Transport, auto, "quic", "tcp"))
	l.optionalPath("join_key_file", &w.JoinKeyFile)
	if strings.HasPrefix(filepath.Base(w.InviteFile), "octi1.") {
		w.InviteFile = ""
		l.require("invite_file", errInviteItself)
	}
	l.optionalPath("invite_file", &w.InviteFile)
	l.require("name", name(w.Name))
	w.Door.checkWorker(l)
	l.require("fleet", name(w.Fleet))
	if w.Executor == "" {
		w.Capacity.check(l)
		w.Boxes.check(l)
		return
	}
	l.socket("executor", w.Executor)
	for _, key := range executorKeys {
		if origin, given := l.origins[key]; given {
			l.complain(origin, key, "it belongs to the executor: give it in executor.toml")
		}
	}
}
