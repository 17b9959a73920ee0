package api

import _ "embed"

// openAPIDocument describes the API for programs that make clients of it.
//
//go:embed openapi.json
var openAPIDocument []byte

func (h *Handler) openAPI(w *answer, r *request) error {
	return writeBytes(w, r.Request, openAPIDocument)
}
