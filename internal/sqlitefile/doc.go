// Package sqlitefile reads what is left of a damaged SQLite database, without
// SQLite. It never writes.
//
// A file is a row of pages. Open lays the committed frames of its write-ahead
// log over them. Walk goes down the tree that begins at a root page and passes
// over what it cannot read; Free marks the pages that hold nothing; Orphans
// then finds rows on pages that no tree has led to, because a page above them
// is gone.
//
// Whatever a file says is checked before it is believed: no length is allocated
// that the file does not have, and no page is walked twice nor any overflow chain
// followed without end, so that no cycle and no claim takes longer, or more
// memory, than the size of the file explains.
//
// The format is https://www.sqlite.org/fileformat.html. Of it are left out what
// octaskly's databases never have: pointer maps (auto_vacuum) and texts in
// UTF-16.
package sqlitefile
