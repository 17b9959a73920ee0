package units

import (
	"math"
	"testing"
)

var cpus = good[CPUs]{
	"1": 1000, "0.5": 500, "2.25": 2250, " 4 ": 4000, ".001": 1, "1.500": 1500, "64": 64000, "9223372036854775.807": math.MaxInt64,
}

func TestParseCPUs(t *testing.T) { cpus.check(t, ParseCPUs) }

func TestParseCPUsErrors(t *testing.T) {
	checkBad(t, ParseCPUs, bad{
		"": "empty", "-1": "negative", "0": "not above zero", "0.000": "not above zero",
		"0.0005": "three decimals", "1.0000": "three decimals",
		"NaN": "number is missing", "all": "number is missing", "1e3": `"e3" is not part`, "500m": `"m" is not part`, "1 2": `" 2" is not part`,
		"9223372036854775.808": "too large", "99999999999999999999": "too large",
		long: "a text of 65 bytes is none",
	}, cpusExample)
}

func TestCPUsRoundTrip(t *testing.T) { checkRoundTrip(t, ParseCPUs, 1) }

func FuzzParseCPUs(f *testing.F) { fuzz(f, ParseCPUs, 1, cpus) }

func TestCPUsString(t *testing.T) {
	for c, want := range map[CPUs]string{
		0: "0", 1: "0.001", 500: "0.5", 1000: "1", 1050: "1.05", 64000: "64", -500: "-0.5", -1500: "-1.5", -2000: "-2",
	} {
		if got := c.String(); got != want {
			t.Errorf("%d: got %q, want %q", int64(c), got, want)
		}
	}
}

func TestCPUsUnmarshalText(t *testing.T) {
	var c CPUs
	if err := c.UnmarshalText([]byte("2.25")); err != nil || c != 2250 {
		t.Errorf("got %d, %v", c, err)
	}
	if err := c.UnmarshalText([]byte("many")); err == nil {
		t.Error("junk was taken")
	}
}
