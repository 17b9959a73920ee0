package discovery

import (
	"context"
	"slices"
	"time"
)

// lookEvery is how often the network is looked at: that costs two calls of
// netlink(7), and needs nothing to be kept open.
const lookEvery = 5 * time.Second

// Watch tells of the interfaces, now and whenever they or their addresses have
// changed, until ctx is done. What it tells is over when the next is told.
func Watch(ctx context.Context, look func() ([]Interface, error), tell func([]Interface, error)) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var last []Interface
	var failed error
	for first := true; ; first = false {
		list, err := look()
		if first || !same(list, last) || (err == nil) != (failed == nil) {
			tell(list, err)
			last, failed = list, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func same(a, b []Interface) bool {
	return slices.EqualFunc(a, b, func(a, b Interface) bool {
		return a.Name == b.Name && a.Index == b.Index && slices.Equal(a.Addresses, b.Addresses)
	})
}
