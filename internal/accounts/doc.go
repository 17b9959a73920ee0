// Package accounts knows who may come in: users and their passwords, logins and
// machine tokens, the keys that sign access tokens, and what the audit log is told.
//
// One struct owns that state. Memory has all of it, so that knowing a caller costs
// no read of the store; whoever changes something holds Accounts.changing, writes
// it, with the row of the audit log in the same commit, and only then changes memory.
// If writing fails nobody knows what is on disk: memory is loaded again from there
// before the next change.
//
// An access token is good while its signature and claims are, and while the row of the
// login or machine token that it was issued for is there, neither revoked nor
// expired, and its user neither gone nor disabled. The signature may be remembered
// (see seen.go); the rest is looked up each time. So what is revoked ends at once.
//
// No user has to be there. The last admin may be removed or disabled: whoever is an
// admin on the Unix socket, as uid 0 is unless configured otherwise, can make another.
//
// Bounds: 10,000 users; of each user 100 logins that go on (the one that was
// refreshed the longest ago makes room), 200 machine tokens that are good, and
// 100 of both that have ended. What has ended is removed after 7 days.
package accounts
