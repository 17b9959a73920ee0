// Package roster knows who may join a fleet and who has: the invites that were made,
// the workers that wait for an approval, the certificates that were given out, and
// the workers that were removed. It is the desk of package joining.
//
// One struct owns that state. Memory has all of it, so that an opening costs no read
// of the store; whoever changes something holds Roster.changing, writes it, with its
// row of the audit log in the same commit, and only then changes memory. What shuts
// somebody out is the other way round: memory refuses first. If writing fails nobody
// knows what is on disk: memory is loaded again before the next change.
//
// A certificate is good while the authority's signature and its times are, which
// package transport checks; while its serial number is on record and not revoked; and
// while its worker was not removed. One that is not on record was given out after the
// backup that was restored, or was lost with damage: its worker joins anew. A database
// that is a copy does not know what was revoked since, so that all of its
// certificates and invites end, unless they were restored to be kept, as machine tokens do.
//
// A worker that was removed is known by its id. Neither key, invite nor certificate
// lets it in, until an operator approves it by name.
//
// Who types a wrong code for a name three times has to wait, a minute at first, then
// longer. So whoever asks to join under the name of a machine that an operator
// expects has one chance in a million each time, and can keep the operator from
// approving it, which shows.
//
// Bounds: 64 workers wait at the same time, 4 of one host and one of each id, and come at
// a pace (pace.go); 1,000
// invites that are open, 10,000 in all; 16 certificates of a worker that are good, and as many in an hour;
// 100,000 certificates and 100,000 removals. What is over is removed after 7 days.
package roster
