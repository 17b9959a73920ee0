package units

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = Second / 1000

var durations = good[Duration]{
	"0": 0, "0s": 0, "90": 90 * Second, "1.5": 1500 * ms, ".5": 500 * ms, " 7 ": 7 * Second,
	"250ms": 250 * ms, "1h30m": 90 * Minute, "1h 30m": 90 * Minute, "1 h 30 m": 90 * Minute, "30m1h": 90 * Minute, "1m1m": 2 * Minute,
	"1.5h": 90 * Minute, "2d": 2 * Day, "1w": Week, "1w2d3h4m5s6ms7us8ns": Week + 2*Day + 3*Hour + 4*Minute + 5*Second + 6*ms + 7008,
	"1µs": 1000, "1μs": 1000, "1us": 1000, "1.4ns": 1,
	"00:00:00": 0, "01:30:00": 90 * Minute, "1:02:03": Hour + 2*Minute + 3*Second, "100:00:59": 100*Hour + 59*Second,
	"9223372036.854775807": math.MaxInt64, "2562047h47m16.854775807s": math.MaxInt64,
}

func TestParseDuration(t *testing.T) { durations.check(t, ParseDuration) }

func TestParseDurationErrors(t *testing.T) {
	checkBad(t, ParseDuration, bad{
		"": "empty", "-1": "negative", "-1h": "negative", "1h-30m": "negative", "-01:00:00": "negative",
		"NaN": "number is missing", "Inf": "number is missing", "h": "number is missing", "+5s": "number is missing", ":00:00": "number is missing",
		"1y": `no unit "y"`, "5M": `no unit "M"`, "1e3s": `no unit "e"`, "1h,30m": `no unit "h,"`,
		"1h 30": "needs its unit", "1 30": "needs its unit", "1..5s": "needs its unit",
		"1:30": "two parts", "1:30.5": "two parts",
		"1:2:3": "clock form", "01:60:00": "clock form", "01:00:60": "clock form", "1.5:00:00": "clock form", "1:00:00:00": "clock form", "1h:00:00": "clock form",
		"4294967296:00:00": "too large", "4294967295:00:00": "too large",
		"9223372037": "too large", "9223372036.854775808": "too large", "106752d": "too large", "106751d1d": "too large", "99999999999999999999s": "too large",
		long: "a text of 65 bytes is none",
	}, durationExample)
}

func TestDurationRoundTrip(t *testing.T) { checkRoundTrip(t, ParseDuration, 0) }

func FuzzParseDuration(f *testing.F) { fuzz(f, ParseDuration, 0, durations) }

// What Go writes for a duration that is not negative, we read.
func TestParseDurationReadsGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "duration"))
		if got, err := ParseDuration(want.String()); err != nil || got.Std() != want {
			t.Fatalf("parse %q: got %d, %v, want %d", want, got, err, want)
		}
	})
}

func TestDurationString(t *testing.T) {
	for d, want := range map[Duration]string{
		0: "0s", 1: "1ns", 1500: "1.5µs", 250 * ms: "250ms", 1500 * ms: "1.5s", 90 * Second: "1m30s", 90 * Minute: "1h30m",
		2 * Day: "2d", 2 * Week: "14d", Day + ms: "1d1ms", -90 * Minute: "-1h30m", math.MinInt64: "-106751d23h47m16.854775807s",
	} {
		if got := d.String(); got != want {
			t.Errorf("%d: got %q, want %q", int64(d), got, want)
		}
	}
}

func TestDurationHuman(t *testing.T) {
	for d, want := range map[Duration]string{
		0: "0s", 2_345_678: "2ms", 999_999: "1ms", 999_999_999: "1s", 3 * Second: "3s", 3672 * ms: "3.7s", 9970 * ms: "10s", 130*Second + 400*ms: "2m10s",
		Hour - ms: "1h", 4 * Hour: "4h", 4*Hour + 5*Minute + 29*Second: "4h5m", Day - Second: "1d", 3 * Day: "3d", 3*Day + 4*Hour + Minute: "3d4h",
		12*Day + 11*Hour: "12d", -3 * Second: "-3s",
	} {
		if got := d.Human(); got != want {
			t.Errorf("%d: got %q, want %q", int64(d), got, want)
		}
	}
}

func TestDurationUnmarshalText(t *testing.T) {
	var d Duration
	if err := d.UnmarshalText([]byte("1h30m")); err != nil || d != 90*Minute {
		t.Errorf("got %d, %v", d, err)
	}
	if err := d.UnmarshalText([]byte("soon")); err == nil {
		t.Error("junk was taken")
	}
}
