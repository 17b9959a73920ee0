// Package worker connects to the dispatcher, offers what its machine has, hands
// attempts to the executor and reports what becomes of them.
//
// It keeps nothing of its own: what is queued, running or ended and not yet
// acknowledged is the executor's, and outlives a session. A worker that has lost
// its dispatcher lets commands run on and tries again, sooner at first; what it
// holds it says in its hello.
//
// One session is three parts: a reader that turns frames into calls of the
// executor, a reporter that sends what the executor reports, and the bulk
// channels, one goroutine each.
package worker
