package machine

import (
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/vm"
)

// TestJoining has the package on two machines of a network on which nothing is
// configured: the worker finds the dispatcher, and an operator lets it in.
func TestJoining(t *testing.T) {
	t.Parallel()
	cable := vm.Cable(t)
	hub, w := cabled(t, "hub", cable), cabled(t, "w1", cable)
	hub.sh("systemctl enable --now octasklyd-dispatcher")
	w.sh("systemctl enable --now octasklyd-worker")

	const where = "octasklyctl run -- sh -c 'echo $OCTASKLY_WORKER'"
	first := w.asks("no code yet")
	hub.await("octasklyctl worker pending | grep -w w1")
	hub.fails(hub.Account, "octasklyctl worker approve w1 "+otherCode(first), 1, "it shows another code")
	hub.sh(w.asks(first)) // which is another one by now
	hub.connected()
	hub.says(where, "w1")
	w.says("stat -c '%U %a' /var/lib/octaskly/worker/identity.pem", "octaskly-worker 600")

	hub.sh("systemctl restart octasklyd-dispatcher")
	w.sh("systemctl restart octasklyd-worker")
	hub.await(where + " | grep w1")

	hub.sh("octasklyctl worker remove w1")
	w.await("systemctl show --value -p StatusText octasklyd-worker | grep 'removed'")
	hub.says("octasklyctl worker ls | grep -w connected || true", "")
	hub.sh("octasklyctl worker approve w1") // it may ask again: what was revoked stays so
	hub.sh(w.asks(first))
	hub.await(where + " | grep w1")
}

// cabled is a machine of a name with the package, on a network.
func cabled(t *testing.T, name string, cable *vm.Network) *site {
	t.Helper()
	s := &site{t, vm.Boot(t, vm.Options{Name: name, Network: cable})}
	t.Cleanup(s.tell)
	s.sh("hostname " + name)
	s.install(now)
	return s
}

// asks is the command with a code that the worker's status has an operator type, once
// it is another than before.
func (s *site) asks(before string) (command string) {
	s.Helper()
	const typed = "octasklyctl worker approve [^ ]+ [0-9]{3}-[0-9]{3}"
	s.await("systemctl show --value -p StatusText octasklyd-worker | grep -oE '" + typed + "' | grep -v '" + before + "' > /root/typed")
	return s.sh("cat /root/typed")
}

// otherCode is one that nobody shows.
func otherCode(command string) string {
	if strings.HasSuffix(command, " 000-000") {
		return "111-111"
	}
	return "000-000"
}
