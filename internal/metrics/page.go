package metrics

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// ContentType is that of a page.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Page is what one scrape gets.
type Page struct{ text bytes.Buffer }

// Bytes is the text so far.
func (p *Page) Bytes() []byte { return p.text.Bytes() }

// Sample is one value of a family, told from the others by its labels.
type Sample struct {
	Labels []string // names and values in turn
	Value  float64
}

// Of is a sample with labels: names and values in turn.
func Of[T int | int64 | float64](value T, labels ...string) Sample {
	return Sample{labels, float64(value)}
}

// Counter writes a family of values that only rise.
func (p *Page) Counter(name, help string, samples ...Sample) {
	p.family(name, "counter", help, samples)
}

// Gauge writes a family of values that rise and fall.
func (p *Page) Gauge(name, help string, samples ...Sample) { p.family(name, "gauge", help, samples) }

// Histogram writes a histogram.
func (p *Page) Histogram(name, help string, h *Histogram) {
	p.head(name, "histogram", help)
	counts, sum := h.look()
	for i, bound := range h.bounds {
		p.sample(name+"_bucket", Of(counts[i], "le", number(bound)))
	}
	all := counts[len(counts)-1]
	p.sample(name+"_bucket", Of(all, "le", "+Inf"))
	p.sample(name+"_sum", Of(sum))
	p.sample(name+"_count", Of(all))
}

func (p *Page) family(name, kind, help string, samples []Sample) {
	p.head(name, kind, help)
	for _, s := range samples {
		p.sample(name, s)
	}
}

func (p *Page) head(name, kind, help string) {
	p.text.WriteString("# HELP " + name + " " + helpEscapes.Replace(help) + "\n# TYPE " + name + " " + kind + "\n")
}

func (p *Page) sample(name string, s Sample) {
	p.text.WriteString(name)
	for i := 0; i+1 < len(s.Labels); i += 2 {
		p.text.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		p.text.WriteString(s.Labels[i] + `="` + labelEscapes.Replace(strings.ToValidUTF8(s.Labels[i+1], "?")) + `"`)
	}
	if len(s.Labels) > 1 {
		p.text.WriteByte('}')
	}
	p.text.WriteString(" " + number(s.Value) + "\n")
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// number writes whole numbers without an exponent, for people.
func number(v float64) string {
	if math.Abs(v) < 1<<53 && v == math.Trunc(v) {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
