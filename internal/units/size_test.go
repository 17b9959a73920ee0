package units

import (
	"math"
	"testing"
)

var sizes = good[Size]{
	"0": 0, "512": 512, "512b": 512, " 7 B ": 7, "007": 7,
	"64K": 64 * KiB, "64k": 64 * KiB, "64KiB": 64 * KiB, "64 kib": 64 * KiB, "64KB": 64000, "64kb": 64000,
	"1M": MiB, "1mb": 1e6, "1MiB": MiB, "1.5G": 3 * GiB / 2, "2GB": 2e9, "1.5 GiB": 3 * GiB / 2,
	"3T": 3 * TiB, "3tb": 3e12, "1P": 1024 * TiB, "7E": 7 << 60, "9EB": 9e18,
	".5K": 512, "1.K": 1024, "0.1K": 102, "1.1G": 1181116006, "0.9999999K": 1024,
	"9223372036854775807": math.MaxInt64, "7.999999999999999999E": math.MaxInt64,
}

func TestParseSize(t *testing.T) { sizes.check(t, ParseSize) }

func TestParseSizeErrors(t *testing.T) {
	checkBad(t, ParseSize, bad{
		"": "empty", " ": "empty", "-1": "negative", "-1K": "negative",
		"K": "number is missing", ".": "number is missing", "+1": "number is missing", "NaN": "number is missing", "٣": "number is missing",
		"1Q": `no unit "Q"`, "1KK": `no unit "KK"`, "1Ki": `no unit "Ki"`, "1e3": `no unit "e3"`, "1 2": `no unit "2"`, "1,5K": `no unit ",5K"`,
		"1.5": "no fractions", "1.0B": "no fractions",
		"1.0000000000000000001K": "18 decimals",
		"9223372036854775808":    "too large", "8E": "too large", "99999999999999999999": "too large", "16E": "too large",
		"7.9999999999999999999E": "18 decimals",
		long:                     "a text of 65 bytes is none",
	}, sizeExample)
}

func TestSizeRoundTrip(t *testing.T) { checkRoundTrip(t, ParseSize, 0) }

func FuzzParseSize(f *testing.F) { fuzz(f, ParseSize, 0, sizes) }

func TestSizeString(t *testing.T) {
	for size, want := range map[Size]string{
		0: "0B", 1: "1B", 1000: "1000B", 1024: "1KiB", 64 * MiB: "64MiB", 3 * GiB / 2: "1536MiB", 1 << 60: "1EiB",
		-64 * MiB: "-64MiB", math.MinInt64: "-8EiB",
	} {
		if got := size.String(); got != want {
			t.Errorf("%d: got %q, want %q", int64(size), got, want)
		}
	}
}

func TestSizeHuman(t *testing.T) {
	for size, want := range map[Size]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1500: "1.5 KiB", 1536 * MiB: "1.5 GiB", 1434 * MiB: "1.4 GiB",
		MiB - 1: "1 MiB", MiB - 60: "1023.9 KiB", 64 * MiB: "64 MiB", math.MaxInt64: "8 EiB", -3 * KiB: "-3 KiB", math.MinInt64: "-8 EiB",
	} {
		if got := size.Human(); got != want {
			t.Errorf("%d: got %q, want %q", int64(size), got, want)
		}
	}
}

func TestSizeUnmarshalText(t *testing.T) {
	var s Size
	if err := s.UnmarshalText([]byte("64KiB")); err != nil || s != 64*KiB {
		t.Errorf("got %d, %v", s, err)
	}
	if err := s.UnmarshalText([]byte("much")); err == nil {
		t.Error("junk was taken")
	}
}
