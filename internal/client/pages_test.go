package client

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"testing"
)

// TestPages gets lists that fill their last page, and some that do not.
func TestPages(t *testing.T) {
	for _, n := range []int{0, 1, 999, 1000, 1001, 2000, 2500} {
		want := make([]string, n)
		for i := range want {
			want[i] = fmt.Sprintf("user%04d", i)
		}
		get := func(v url.Values) ([]string, error) {
			limit, err := strconv.Atoi(v.Get("limit"))
			if err != nil {
				t.Fatal(err)
			}
			from := 0
			if v.Has("after") {
				from = slices.Index(want, v.Get("after")) + 1
			}
			return want[from:min(from+limit, n)], nil
		}
		got, err := pages(get, func(name *string) string { return *name })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("of %d: %d (%v)", n, len(got), err)
		}
	}
	fails := errors.New("it fails")
	got, err := pages(func(v url.Values) ([]int, error) {
		if v.Has("after") {
			return nil, fails
		}
		return make([]int, 1000), nil
	}, func(n *int) string { return strconv.Itoa(*n) })
	if got != nil || err != fails {
		t.Errorf("half of a list is %d (%v)", len(got), err)
	}
}
