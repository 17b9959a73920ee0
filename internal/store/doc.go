// Package store keeps what a dispatcher knows in SQLite: jobs, tasks, results,
// workers. What Commit has returned from survives a power cut.
//
// The database is in WAL mode with synchronous=FULL. One connection writes, and
// Commit puts all that it is given into one transaction, so that whoever calls
// it gathers as much as has come in meanwhile (group commit). A few read-only
// connections read beside it and never wait for it.
//
// The schema is the sum of the numbered files in migrations. A file that has
// been released never changes; PRAGMA user_version counts them. A database of
// every version lies in testdata.
//
// What is written often is kept narrow: a job's spec lies in a row that never
// changes, its progress in another. Indices on columns that change hold the few
// rows for which they are there: jobs that are not over, that have begun, or that
// have ended, by their state.
//
// What is over is forgotten job by job, see collect.go. The pages that this frees
// are those that the next rows take, and the file keeps the size that it once
// needed: to give it back, SQLite would have to move pages about while others wait
// for their commits, and to keep for each page a note of what points to it.
//
// All methods may be called by several goroutines at the same time.
package store
