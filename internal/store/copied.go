package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A database that is a copy does not know what was revoked since it was copied. When it
// is opened for the first time, that is noted with its new generation, until accounts
// have ended what they let in.

// Copied is what is to end, since the database is a copy.
type Copied int

const (
	NotCopied    Copied = iota
	CopiedTokens        // logins, which end; machine tokens are kept
	CopiedAll           // logins and machine tokens
)

// Names in meta.
const (
	copied     = "copied"
	keepTokens = "keep_tokens" // of a backup that was restored so
)

// Copied says what is to end; Records.Settled, that it has.
func (s *Store) Copied(ctx context.Context) (c Copied, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE name = '`+copied+`'), 0)`).Scan(&c)
	return c, s.unreadable(ctx, err)
}

// markCopied notes that something is to end; what was to end before is among that.
func markCopied(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO meta VALUES (?1, iif(EXISTS (SELECT 1 FROM meta WHERE name = ?2), ?3, ?4))
		ON CONFLICT DO UPDATE SET value = max(value, excluded.value)`, copied, keepTokens, fmt.Sprint(int(CopiedTokens)), fmt.Sprint(int(CopiedAll)))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM meta WHERE name = ?`, keepTokens)
	return err
}

// Restored notes of a database that was restored from a backup whether its machine
// tokens are kept, and counts what of then goes on: logins and machine tokens.
func Restored(ctx context.Context, path string, keep bool) (logins, tokens int64, err error) {
	db := connect(path, writerCache, "_journal_mode=MEMORY&_synchronous=FULL")
	defer db.Close()
	db.SetMaxOpenConns(1)
	statement := `DELETE FROM meta WHERE name = ?1`
	if keep {
		statement = `INSERT OR REPLACE INTO meta VALUES (?1, '1')`
	}
	if _, err := db.ExecContext(ctx, statement, keepTokens); err != nil {
		return 0, 0, fmt.Errorf("cannot write to database %q: %w", path, explain(err))
	}
	version, err := schemaVersion(ctx, db)
	if err == nil && version >= accountsVersion {
		err = db.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE kind = 'login'), count(*) FILTER (WHERE kind = 'machine')
			FROM tokens WHERE revoked_at = 0 AND expires_at > ?`, micros(time.Now())).Scan(&logins, &tokens)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("cannot read database %q: %w", path, explain(err))
	}
	return logins, tokens, db.Close()
}

// accountsVersion is the schema from which on there are tokens.
const accountsVersion = 4
