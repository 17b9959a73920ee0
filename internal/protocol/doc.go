// Package protocol is what a dispatcher and a worker say to each other: the
// messages, and the frames that carry them over any io.ReadWriter.
//
// On a session's control channel each side sends frames, and each frame is one
// batch: a [FromWorker] or a [ToWorker], whose parts are handled in the order
// of their fields. The worker's first frame carries Hello, the dispatcher's
// first Welcome; both appear only there.
//
//	worker                                dispatcher
//	  Hello (who I am, what I hold)  ──▶
//	                                 ◀──  Welcome, Specs, Assign …
//	  Started, Finished …            ──▶
//	                                 ◀──  Ack (the end is on disk here)
//	                                 ◀──  Ping
//	  Pong                           ──▶
//	                                 ◀──  Heard
//	  Callers (who are they?)        ──▶
//	                                 ◀──  Callers (that is who)
//
// A worker is trusted for the length of Welcome.Lease after its latest word.
// Heard tells it which word has come, so that it knows until when at the least;
// package worker says what follows from that.
//
// Nothing bulky goes this way. A [BulkHeader] opens every bulk channel: the
// worker dials it, either to hand over an attempt's output that Fetch asked
// for, or to get the bytes of a blob.
//
// Messages are CBOR (RFC 8949) maps with integer keys. Fields are only ever
// added and unknown ones are ignored; a spec that must not be run by a worker
// which ignores something says so in its Needs. The golden bytes in testdata
// hold every message to that.
package protocol
