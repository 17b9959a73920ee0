// Package pty gives tests a terminal that nobody sits at: a pair of pseudo-terminals
// (pty(7)), a session whose terminal it is, and what was written to it.
package pty
