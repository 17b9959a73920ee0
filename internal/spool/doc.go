// Package spool keeps the bounded output of one attempt: two streams in the
// order in which they were read.
//
// # Format
//
// Output has one form in memory, in a file, in a database blob, on a bulk
// channel and in an HTTP body: a sequence of chunks without head or end.
//
//	offset  bytes
//	0       1      stream: 1 stdout, 2 stderr
//	1       4      n, the length of the data, big-endian, 1 to 65536
//	5       n      data
//
// A stream with the bit 0x80 set makes the chunk a truncation mark. Its n is 8,
// and its body is how many bytes of the stream had been discarded up to then, a
// big-endian number below 1<<62. The last mark of a stream counts.
//
// A framed offset counts bytes of this form. The ends of chunks are the offsets
// that make sense.
//
// # Bounds
//
// A [Log] keeps Limit bytes of each stream and counts the rest. In the worst
// case, chunks of a single byte, its file has six times that. In memory it has
// at most Head bytes and two chunks more.
package spool
