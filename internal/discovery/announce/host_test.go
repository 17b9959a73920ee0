package announce

import (
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	for name, want := range map[string]string{
		"hub": "hub", "hub.lab.example": "hub.lab.example", "hub.local": "hub", "my_hub": "my-hub", "Hub": "Hub",
		"": "octaskly", "..": "octaskly", "a..b": "octaskly", strings.Repeat("a", 64): "octaskly", "hüb": "h-b", "mylocal": "mylocal",
	} {
		if got := clean(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	if got := label(strings.Repeat("a", 63)); len(got+"-65535") > 63 {
		t.Errorf("%q has no room for a port", got)
	}
}
