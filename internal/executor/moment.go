package executor

import (
	"time"

	"golang.org/x/sys/unix"
)

// Moment is a time by CLOCK_BOOTTIME, in nanoseconds (clock_gettime(2)): it goes
// on while the machine is suspended, and nobody can set it.
type Moment int64

// Now is this moment.
func Now() Moment { return Moment(clock(unix.CLOCK_BOOTTIME)) }

// Add returns the moment that comes d later.
func (m Moment) Add(d time.Duration) Moment { return m + Moment(d) }

// monotonic is the time by CLOCK_MONOTONIC, in nanoseconds.
func monotonic() int64 { return clock(unix.CLOCK_MONOTONIC) }

func clock(id int32) int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(id, &now); err != nil {
		panic("a clock of the kernel is missing: " + err.Error())
	}
	return now.Nano()
}
