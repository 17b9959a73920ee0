package config

import "testing"

func TestAdvice(t *testing.T) {
	for listen, warns := range map[string]bool{
		"": false, ":3000": true, "0.0.0.0:3000": true, "[::]:3000": true, "192.0.2.1:3000": true, "board.example:3000": true,
		"127.0.0.1:3000": false, "[::1]:3000": false, "localhost:3000": false, "[::ffff:127.0.0.1]:3000": false,
	} {
		d := newDispatcher()
		d.HTTPListen, d.Sandbox = listen, "none"
		if said := advice(d); (said != "") != warns {
			t.Errorf("%q: %q", listen, said)
		}
		for _, d.Sandbox = range []string{"auto", "basic", "strict"} {
			if said := advice(d); said != "" {
				t.Errorf("%q, %s: %q", listen, d.Sandbox, said)
			}
		}
		d.Sandbox, d.SandboxFloor = "none", "basic" // which lifts it
		if said := advice(d); said != "" {
			t.Errorf("%q: %q", listen, said)
		}
	}
}
