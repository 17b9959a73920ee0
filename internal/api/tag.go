package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// writeTagged writes a whole answer with its ETag, or only that if the caller has
// what it stands for.
func writeTagged(w *answer, r *http.Request, value any) error {
	var body bytes.Buffer
	if err := encoder(&body).Encode(value); err != nil {
		return err
	}
	return writeBytes(w, r, body.Bytes())
}

func writeBytes(w *answer, r *http.Request, body []byte) error {
	tag := tagOf(body)
	w.Header().Set("ETag", tag)
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(body)
	return err
}

// tagOf is a strong tag: the same for the same bytes only.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// matches reads If-None-Match of RFC 9110 section 13.1.2. Tags of ours have no
// comma.
func matches(headers []string, tag string) bool {
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == tag {
				return true
			}
		}
	}
	return false
}
