package discovery

import "testing"

// A goodbye ends what was told under that name, by both services.
func TestGoodbye(t *testing.T) {
	packet, err := goodbye("hub-7878", []string{UDP, TCP}, "hub", 7878)
	check(t, err)
	seen, err := parsePacket(packet)
	check(t, err)
	names := map[string]bool{}
	for _, s := range seen {
		if !s.gone {
			t.Errorf("%+v is not gone", s)
		}
		names[s.instance] = true
	}
	if len(names) != 2 {
		t.Errorf("gone are %v", names)
	}
	if _, err := goodbye("hub", []string{TCP}, string(make([]byte, 300)), 1); err == nil {
		t.Error("a name that is too long is taken")
	}
}
