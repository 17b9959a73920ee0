-- What happened, in the order of its numbers: a row for each commit, with all its
-- events. first and last are the numbers of the first and the last of them.

CREATE TABLE events (
    last  INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    body  BLOB NOT NULL -- CBOR
) STRICT;
