// Package plan is what the executor and octaskly-init say to each other about a
// box, over a stream socket that is descriptor 3 of octaskly-init.
//
//	executor                    octaskly-init
//	   │ ── room ──▶                │  namespaces are there; mounts, host name
//	   │            ◀── ready ──    │  from here on it may wait for long
//	   │ ── task + descriptors ──▶  │  the task's own mounts, limits, rights; exec
//	   │            ◀── started ──  │
//	   │ ── signal ──▶              │  any number of times
//	   │            ◀── ended ──    │  and it exits
//
// At any point octaskly-init may say failed instead, and exits with code 125.
// When the executor closes its end, octaskly-init exits and so all of the box is
// killed.
//
// A frame is its length in four bytes, the protocol's version, its kind and its
// body. The descriptors that come with the first byte of a task are its standard
// input, output and error, then a detached mount (open_tree(2)) for each mount of
// kind [Given]. Numbers are little-endian, strings and lists have their length
// before them in four bytes. Decoders allocate nothing that the bytes they have
// do not pay for.
//
// The package is small on purpose, as octaskly-init is made of it. It has no
// policy: that is package sandbox's.
package plan
