package vm

import (
	"context"
	"errors"
	"testing"
)

func TestSlots(t *testing.T) {
	first, err := takeSlot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := slots()
	if err != nil {
		t.Fatal(err)
	}
	for len(taken) < cap(taken) {
		free, err := takeSlot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer free()
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := takeSlot(late); !errors.Is(err, context.Canceled) {
		t.Errorf("one too many: %v", err)
	}
	first()
	free, err := takeSlot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	free()
}

func TestNetworkHasTwoEnds(t *testing.T) {
	n := Cable(t)
	a, err := n.plug()
	if err != nil {
		t.Fatal(err)
	}
	b, err := n.plug()
	if err != nil || a.address() != "10.77.0.1" || b.address() != "10.77.0.2" {
		t.Errorf("%s and %s, error %v", a.address(), b.address(), err)
	}
	if _, err := n.plug(); err == nil {
		t.Error("it has a third end")
	}
	a.unplug()
	if c, err := n.plug(); err != nil || c.end != 0 {
		t.Errorf("the end that is free again: %+v, error %v", c, err)
	}
}
