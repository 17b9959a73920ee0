package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestBearer(t *testing.T) {
	tests := []struct {
		headers []string
		token   string // empty: it is refused
	}{
		{[]string{"Bearer a.b-c_d~e+f/g=="}, "a.b-c_d~e+f/g=="},
		{[]string{"bearer x"}, "x"},
		{[]string{"BEARER   x "}, "x"},
		{[]string{"Bearer " + strings.Repeat("x", maxToken)}, strings.Repeat("x", maxToken)},
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"Bearer"}, ""},
		{[]string{"Bearer "}, ""},
		{[]string{"Bearerx"}, ""},
		{[]string{" Bearer x"}, ""},
		{[]string{"Bearer\tx"}, ""},
		{[]string{"Basic YTpi"}, ""},
		{[]string{"Bearer x y"}, ""},
		{[]string{"Bearer x,Bearer y"}, ""},
		{[]string{"Bearer x\x00"}, ""},
		{[]string{"Bearer ä"}, ""},
		{[]string{`Bearer "x"`}, ""},
		{[]string{"Bearer x", "Bearer x"}, ""},
		{[]string{"Bearer x", ""}, ""},
		{[]string{"Bearer " + strings.Repeat("x", maxToken+1)}, ""},
	}
	for _, tt := range tests {
		got, err := bearer(http.Header{"Authorization": tt.headers})
		if got != tt.token || (err == nil) != (tt.token != "") || err != nil && !errors.Is(err, octaskly.ErrUnknown) {
			t.Errorf("%.60q is %.40q, %v", tt.headers, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "YTpi") {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

func FuzzBearer(f *testing.F) {
	f.Add("Bearer x")
	f.Add("bearer \xff")
	f.Fuzz(func(t *testing.T, header string) {
		token, err := bearer(http.Header{"Authorization": {header}})
		if (err == nil) != (token != "") || strings.ContainsFunc(token, notOfToken) || !strings.Contains(header, token) {
			t.Errorf("%q is %q, %v", header, token, err)
		}
	})
}
