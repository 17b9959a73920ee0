// Package backup writes all that a dispatcher keeps into one file, while it runs
// or while it does not, and makes a state directory of such a file.
//
// The file is a tar archive (pax) with these members, in this order:
//
//	octaskly-backup       what it is, in JSON; see [Manifest]
//	octaskly.db           a copy of the database
//	authority.pem         the fleet's authority, where it has one; its key is sealed
//	blobs/HASH            inputs
//	output/JOB/INDEX.N    outputs that are too long for the database
//	octaskly-backup.end   empty: the archive is whole
//
// The database comes first, so that what it names was there when it was copied:
// files are written before the rows that name them. What retention deletes
// meanwhile is left out. The fleet key is not in it: whoever has that can run
// commands on every worker.
//
// Nothing that an archive says is believed: members have names of these shapes
// or the archive is refused, and nothing is written outside of the directory.
package backup
