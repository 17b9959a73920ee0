// Package metrics counts what happens and writes the counts in Prometheus's text
// format 0.0.4.
//
// A [Counter] or a [Histogram] belongs to whoever sees the thing happen, and may be
// read at any time. Nothing is registered anywhere: whoever is asked writes what it
// has to a [Page], one family after the other.
//
// It is a package of our own because client_golang adds 3 MB to a daemon, most of it
// protobuf, for formats that nobody has to ask us for. Tests read what it writes with
// Prometheus's own parser and linter.
package metrics
