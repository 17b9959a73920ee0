package main

import (
	"cmp"
	"regexp"
)

// probe takes figures once a round: one for each of its rows.
type probe struct {
	name    string
	rows    []row
	measure measure
}

// row is one line of the table.
type row struct {
	name  string // unique
	unit  string
	about string
	to    string // the row that it is compared with; empty: the floor of its unit
	aims  []aim
}

// base is the row that this one is compared with; empty: none.
func (r row) base() string {
	return cmp.Or(r.to, map[string]string{rate: floorRow, micros: floorTimeRow}[r.unit])
}

// Units of figures.
const (
	rate    = "/s"
	millis  = "ms"
	micros  = "µs"
	mega    = "MB" // 10⁶ bytes
	percent = "%"
)

// aim is what the median of a row is wanted to be.
type aim struct {
	than  string // the row that it is a multiple of; empty: none
	most  bool   // rather than at least
	value float64
}

func atLeast(value float64, than string) aim { return aim{than: than, value: value} }
func atMost(value float64) aim               { return aim{most: true, value: value} }

// The rows that are looked up by name.
const (
	floorRow     = "floor"
	floorTimeRow = "floor CPU"
	xargsRow     = "xargs"
	othersRow    = "others"
)

// all lists the probes in the order of the table.
var all = []func(*lab) probe{
	fdatasyncProbe,
	floorProbe,
	spawnersProbe,
	xargsProbe,
	arrayProbe,
	apartProbe,
	narrowArrayProbe,
	nullProbe,
	singlesProbe,
	latencyProbe,
	floodProbe,
	idleProbe,
	millionProbe,
	backlogProbe,
	arrayBacklogProbe,
	restProbe,
}

func selected(l *lab, wanted *regexp.Regexp) []probe {
	var probes []probe
	for _, make := range all {
		if p := make(l); wanted.MatchString(p.name) {
			probes = append(probes, p)
		}
	}
	return probes
}

func probeNames() []string {
	var names []string
	for _, make := range all {
		names = append(names, make(&lab{}).name)
	}
	return names
}
