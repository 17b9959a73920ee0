package api

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// byteRange is one range of RFC 9110 section 14.1.2: from first to last, or the
// last bytes where first is -1.
type byteRange struct{ first, last int64 }

// parseRange reads the header Range. What it does not understand is ignored, as is
// a list of several.
func parseRange(text string) (byteRange, bool) {
	unit, set, ok := strings.Cut(text, "=")
	first, last, isRange := strings.Cut(strings.TrimSpace(set), "-")
	if !ok || !isRange || !strings.EqualFold(unit, "bytes") {
		return byteRange{}, false
	}
	b := byteRange{-1, math.MaxInt64}
	ok = (first != "" || last != "") && number(first, &b.first) && number(last, &b.last)
	return b, ok && b.first <= b.last
}

// number leaves n as it is where there is none.
func number(text string, n *int64) bool {
	if text == "" {
		return true
	}
	u, err := strconv.ParseUint(text, 10, 63)
	*n = int64(u)
	return err == nil
}

// of is the part of so many bytes; it says so in the answer's header.
func (b byteRange) of(w stream, size int64) (span, error) {
	s := span{b.first, min(b.last, size-1) - b.first + 1}
	if b.first < 0 {
		s = span{size - min(b.last, size), min(b.last, size)}
	}
	if s.length <= 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		return s, fmt.Errorf("cannot send that range of the %d bytes that there are: %w", size, errRange)
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", s.skip, s.skip+s.length-1, size))
	return s, nil
}

// span is what is still to be written of a stream.
type span struct {
	skip   int64
	length int64 // -1: all
}

// take is what of the next data is in s.
func (s *span) take(data []byte) []byte {
	skipped := min(s.skip, int64(len(data)))
	s.skip -= skipped
	data = data[skipped:]
	if s.length >= 0 {
		data = data[:min(s.length, int64(len(data)))]
		s.length -= int64(len(data))
	}
	return data
}

// end judges the end of the output, which comes too soon inside a range.
func (s *span) end(err error) error {
	if err == io.EOF && s.length > 0 {
		return io.ErrUnexpectedEOF
	}
	return ignoreEOF(err)
}
