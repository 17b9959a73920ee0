package test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/cluster"
)

// TestFarFigures measures where QUIC is worth its price: by each protocol, how
// long short commands take, and how fast output arrives, as the line loses more.
// `make bench-far` runs it.
func TestFarFigures(t *testing.T) {
	if os.Getenv("OCTASKLY_FIGURES") == "" {
		t.Skip("a measurement: make bench-far")
	}
	if !onLAN(t) {
		return
	}
	var table strings.Builder
	control, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	check(t, err)
	fmt.Fprintf(&table, "100 Mbit/s, 20 ms; TCP by %sof both, the median of %d\n%6s%10s%10s%7s%10s%10s%7s%10s%10s%7s\n", control, rounds,
		"lost", "tcp p50", "quic", "ratio", "tcp max", "quic", "ratio", "tcp MB/s", "quic", "ratio")
	for _, lost := range []float64{0, 0.005, 0.01, 0.02, 0.05} {
		q := hundred
		q.Lost = lost
		var tcp, quic figures
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			byTCP, byQUIC := awayFrom(t, "tcp", q), awayFrom(t, "quic", q)
			for range rounds { // in turns, as the machine may be busier now than then
				tcp.measure(t, byTCP)
				quic.measure(t, byQUIC)
			}
		})
		fmt.Fprintf(&table, "%5.1f%%", lost*100)
		for _, pair := range [][2]float64{
			{median(tcp.usual), median(quic.usual)}, {median(tcp.most), median(quic.most)}, {median(tcp.speed), median(quic.speed)},
		} {
			fmt.Fprintf(&table, "%10.1f%10.1f%7.2f", pair[0], pair[1], pair[1]/pair[0])
		}
		table.WriteByte('\n')
	}
	t.Logf("\n%s", table.String())
}

const (
	rounds     = 3
	shortTasks = 30
	flooded    = 5_000_000 // bytes
)

// figures are one of each round: milliseconds of short tasks, megabytes a second.
type figures struct{ usual, most, speed []float64 }

func (f *figures) measure(t *testing.T, c *cluster.Cluster) {
	var took []float64
	for range shortTasks {
		took = append(took, once(t, c).Seconds()*1000)
	}
	f.usual = append(f.usual, median(took))
	f.most = append(f.most, slices.Max(took))
	began := time.Now()
	if r := c.Ctl(timeout(t), "run", "--", "head", "-c", fmt.Sprint(flooded), "/dev/zero"); r.Code != 0 || len(r.Stdout) != flooded {
		t.Errorf("exit code %d, %d bytes: %s", r.Code, len(r.Stdout), r.Stderr)
	}
	f.speed = append(f.speed, flooded/1e6/time.Since(began).Seconds())
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
