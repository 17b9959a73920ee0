package api

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkSubmit posts over one connection to a dispatcher that does nothing:
// what is left is our share and that of net/http on both sides.
func BenchmarkSubmit(b *testing.B) {
	server := startReal(b, newHandler(&fake{}), usual).client
	const body = `{"name":"bench","argv":["true"],"env":["A=b"]}`
	b.ReportAllocs()
	for b.Loop() {
		answer, err := server.Post("http://octaskly/api/v1/tasks", "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			b.Fatal(answer.Status)
		}
	}
}

// BenchmarkHandler is our share alone.
func BenchmarkHandler(b *testing.B) {
	h := newHandler(&fake{})
	b.ReportAllocs()
	for b.Loop() {
		if w := do(h, "POST", "/api/v1/tasks", `{"name":"bench","argv":["true"],"env":["A=b"]}`); w.Code != 201 {
			b.Fatal(w.Body)
		}
	}
}
