package api

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const maxNumber = math.MaxInt64

// params are the parameters of a query.
type params struct {
	values url.Values
	faults
}

// parseParams refuses every parameter that known, a list of words, has not.
func parseParams(query, known string) (*params, error) {
	p := &params{}
	if query == "" {
		return p, nil
	}
	var err error
	p.values, err = url.ParseQuery(query)
	p.blame("query", err)
	names := strings.Fields(known)
	for name, values := range p.values {
		switch {
		case !slices.Contains(names, name):
			p.blame(fieldName(name), fmt.Errorf("no such parameter; there is %s", cmp.Or(strings.Join(names, ", "), "none")))
		case len(values) > 1 && name != "state":
			p.blame(name, fmt.Errorf("it is given twice"))
		}
	}
	return p, p.bad
}

// text is one line of up to limit bytes.
func (p *params) text(name string, limit int) string {
	text := p.values.Get(name)
	p.blame(name, checkText(text, limit))
	return text
}

// number is a decimal number from low to high, missing where it is not given.
func (p *params) number(name string, low, high, missing int64) int64 {
	if !p.values.Has(name) {
		return missing
	}
	text := p.values.Get(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < low || n > high || text != strconv.FormatInt(n, 10) {
		p.blame(name, fmt.Errorf("%q is not a number from %d to %d", shorten(text), low, high))
	}
	return n
}

// flag is true for "?name" and "?name=true". "1" and "0" are what other APIs take.
func (p *params) flag(name string) bool {
	if !p.values.Has(name) {
		return false
	}
	switch text := p.values.Get(name); text {
	case "", "true", "1":
		return true
	case "false", "0":
	default:
		p.blame(name, fmt.Errorf("%q is neither true nor false", shorten(text)))
	}
	return false
}

// states is a list with commas, or the parameter several times, or both.
func (p *params) states(name string) []octaskly.State {
	var states []octaskly.State
	for _, list := range p.values[name] {
		for text := range strings.SplitSeq(list, ",") {
			state, err := octaskly.ParseState(text)
			p.blame(name, err)
			if !slices.Contains(states, state) {
				states = append(states, state)
			}
		}
	}
	return states
}

// shorten is for what an error repeats.
func shorten(text string) string { return fmt.Sprintf("%.64s", text) }

// fieldName is for a field that only the request knows.
func fieldName(text string) string { return cmp.Or(shorten(text), `""`) }
