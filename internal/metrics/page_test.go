package metrics

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// parsed is what Prometheus itself reads in a page.
func parsed(t *testing.T, p *Page) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(p.Bytes()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, p.Bytes())
	}
	return families
}

func TestPage(t *testing.T) {
	h := NewHistogram(0.5, 2)
	for _, v := range []float64{0.5, 0.6, 2, 3} {
		h.Observe(v)
	}
	h.Last(-time.Hour)
	p := &Page{}
	p.Counter("a_total", "With \\ and\nlines.", Of(3, "k", "plain", "l", "\\ \" \n \xff ü"), Of(1<<40, "k", "", "l", ""))
	p.Gauge("b_seconds", "Two.", Of(0.25))
	p.Gauge("none", "None.")
	p.Histogram("c_seconds", "Three.", h)
	want := `# HELP a_total With \\ and\nlines.
# TYPE a_total counter
a_total{k="plain",l="\\ \" \n ? ü"} 3
a_total{k="",l=""} 1099511627776
# HELP b_seconds Two.
# TYPE b_seconds gauge
b_seconds 0.25
# HELP none None.
# TYPE none gauge
# HELP c_seconds Three.
# TYPE c_seconds histogram
c_seconds_bucket{le="0.5"} 2
c_seconds_bucket{le="2"} 4
c_seconds_bucket{le="+Inf"} 5
c_seconds_sum 6.1
c_seconds_count 5
`
	if got := string(p.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	families := parsed(t, p)
	if got := families["a_total"].Metric[0].Label[1].GetValue(); got != "\\ \" \n ? ü" {
		t.Errorf("a label is read as %q", got)
	}
	if got := families["c_seconds"].Metric[0].Histogram; got.GetSampleCount() != 5 || got.GetSampleSum() != 6.1 || len(got.Bucket) != 3 {
		t.Errorf("a histogram is read as %v", got)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", -3: "-3", 1e15: "1000000000000000", 1e300: "1e+300", 0.001: "0.001", math.Inf(1): "+Inf",
	} {
		if got := number(v); got != want {
			t.Errorf("%g is written as %s", v, got)
		}
	}
}

// What a process tells of itself is as Prometheus wants it.
func TestProcess(t *testing.T) {
	p := &Page{}
	Process{Version: `1 "x"`, Role: "worker", Started: time.Unix(1, 5e8)}.Write(p)
	problems, err := promlint.New(bytes.NewReader(p.Bytes())).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	families := parsed(t, p)
	if got := families["process_start_time_seconds"].Metric[0].Gauge.GetValue(); got != 1.5 {
		t.Errorf("started at %v", got)
	}
	if got := families["process_resident_memory_bytes"].Metric[0].Gauge.GetValue(); got < 1<<20 || got > 1<<33 {
		t.Errorf("resident are %v bytes", got)
	}
	if got := families["process_open_fds"].Metric[0].Gauge.GetValue(); got < 3 {
		t.Errorf("%v descriptors are open", got)
	}
}

// Whatever a label's value is, a page can be read, and it comes out again.
func FuzzLabel(f *testing.F) {
	f.Add("a\\\"\n")
	f.Fuzz(func(t *testing.T, value string) {
		p := &Page{}
		p.Gauge("a", "h "+value, Of(1, "l", value))
		families := parsed(t, p)
		got := families["a"].Metric[0].Label[0].GetValue()
		if want := string(bytes.ToValidUTF8([]byte(value), []byte("?"))); got != want {
			t.Errorf("%q is read as %q", want, got)
		}
	})
}
