package api

import (
	"fmt"
	"net/http"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func (r *request) blob() octaskly.Blob {
	blob := octaskly.Blob(r.PathValue("hash"))
	r.blame("hash", checkBlob(blob))
	return blob
}

func (h *Handler) putBlob(w *answer, r *request) error {
	blob := r.blob()
	if r.ContentLength > octaskly.MaxBlob {
		r.refuse(fmt.Errorf("cannot store %d bytes, %d are allowed: %w", r.ContentLength, octaskly.MaxBlob, errTooLarge))
	}
	if r.bad != nil {
		return r.bad
	}
	body := r.open(octaskly.MaxBlob)
	err := h.dispatcher.PutBlob(r.Context(), r.who, blob, body)
	if body.err != nil {
		return body.err // rather than what the dispatcher makes of it
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) hasBlob(w *answer, r *request) error {
	blob := r.blob()
	if r.bad != nil {
		return r.bad
	}
	has, err := h.dispatcher.HasBlob(r.Context(), r.who, blob)
	if err != nil {
		return err
	}
	if !has {
		return fmt.Errorf("cannot find blob %s: %w", blob, octaskly.ErrNotFound)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
