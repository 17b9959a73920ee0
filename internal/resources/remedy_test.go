package resources

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRemedy(t *testing.T) {
	const head = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
	tests := []struct {
		name, list string
		host       host
		missing    []string
		want       string
	}{
		{"version 1", head + "cpu\t2\t1\t1\nmemory\t4\t22\t1\npids\t8\t1\t1\n", host{cgroup: "/x", root: true}, []string{"memory", "pids"}, "systemd.unified_cgroup_hierarchy=1"},
		{"version 1 has one", head + "memory\t0\t22\t1\npids\t8\t1\t1\n", host{cgroup: "/x", delegated: true}, []string{"memory", "pids"}, "version 1 has pids"},
		{"left out", head + "memory\t0\t22\t0\npids\t0\t1\t1\n", host{cgroup: "/x", delegated: true}, []string{"memory"}, "cgroup_enable=memory"},
		{"a terminal", "", host{cgroup: "/x"}, []string{"memory", "pids"}, "systemd-run --user --scope -p Delegate=yes"},
		{"root's terminal", "", host{cgroup: "/x", root: true}, []string{"memory", "pids"}, "systemd-run --scope -p Delegate=yes"},
		{"a part is given", "", host{cgroup: "/x", delegated: true}, []string{"memory"}, `"/x" is not given memory`},
		{"no cgroup2", "", host{root: true}, []string{"memory", "pids"}, "mount a cgroup2"},
		{"nonsense", "memory 1\n\nmemory x y z w\n", host{}, []string{"memory"}, "mount a cgroup2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.host.controllers = parseControllers(tt.list)
			if got := tt.host.remedy(tt.missing); !strings.Contains(got, tt.want) {
				t.Errorf("%q, want …%s…", got, tt.want)
			}
		})
	}
}

func TestLacking(t *testing.T) {
	full := means{memory: true, processes: true, swap: true}
	full.tell[memoryCurrent], full.tell[pidsCurrent] = true, true
	if err := lacking(&full, unix.EBUSY); err != nil {
		t.Errorf("nothing is missing: %v", err)
	}
	swap := full
	swap.memory, swap.swap = false, false
	if err := lacking(&swap, nil); err == nil || !strings.Contains(err.Error(), "swapaccount=1") {
		t.Errorf("without a bound of swap: %v", err)
	}
	none := means{}
	err := lacking(&none, unix.EBUSY)
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "memory and pids") {
		t.Errorf("without controllers: %v", err)
	}
}
