package roster

import (
	"fmt"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	var p pace
	now := time.Now()
	come := func(host string, n int) (let int) {
		for range n {
			if p.enter(host, now) {
				let++
			}
		}
		return let
	}
	if n := come("a", 10); n != atOnceHost {
		t.Errorf("%d of one host come at once", n)
	}
	now = now.Add(refillHost)
	if n := come("a", 10); n != 1 {
		t.Errorf("%d more come after %v", n, refillHost)
	}
	now = now.Add(time.Hour)
	all := 0
	for h := range 1000 {
		all += come(fmt.Sprint(h), 1)
	}
	if all != atOnce {
		t.Errorf("%d come at once", all)
	}
	now = now.Add(time.Minute)
	if n := come("b", 10); n != atOnceHost {
		t.Errorf("%d of another host come a minute later", n)
	}
	for h := range 1000 {
		all += come(fmt.Sprint("c", h), 1)
	}
	if all != atOnce+int(time.Minute/refill)-atOnceHost {
		t.Errorf("%d have come in a minute", all)
	}
	if now = now.Add(time.Hour); come("d", 1) != 1 || len(p.hosts) != 1 {
		t.Errorf("%d hosts are kept", len(p.hosts))
	}
}
