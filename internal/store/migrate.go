package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks a database as ours: "octa". 0001.sql writes it.
const applicationID = 0x6f637461

// migrate brings the schema up to date, one numbered file after the other.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version > len(files) {
		return newer(version, len(files))
	}
	if found, err := strange(ctx, db, version); err != nil || found != "" {
		return cmp.Or(err, error(&malformed{errors.New(found)})) // before it can do anything
	}
	for ; version < len(files); version++ {
		if err := stepTo(ctx, db, version+1); err != nil {
			return fmt.Errorf("cannot bring its schema to version %d: %w", version+1, err)
		}
		log.Info("Database has a new schema", "version", version+1)
	}
	return nil
}

// latest is the version of the present schema.
func latest() int {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // only a malformed pattern is an error here
	}
	return len(files)
}

func newer(version, known int) error {
	return fmt.Errorf("its schema is version %d, this program knows up to %d; install a newer octaskly", version, known)
}

// schemaVersion is 0 for a database that has nothing in it yet.
func schemaVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	var application, objects int
	// Tables and views can have the names of pragma functions, and of sqlite_schema.
	for query, to := range map[string]*int{
		`PRAGMA user_version`: &version, `PRAGMA application_id`: &application, `SELECT count(*) FROM sqlite_master`: &objects,
	} {
		if err := db.QueryRowContext(ctx, query).Scan(to); err != nil {
			return 0, err
		}
	}
	if application != applicationID && objects > 0 {
		err = errForeign
	}
	return version, err
}

// stepTo brings the schema to a version from the one before.
func stepTo(ctx context.Context, db *sql.DB, version int) error {
	script, err := migrations.ReadFile(fmt.Sprintf("migrations/%04d.sql", version))
	if err != nil {
		return err
	}
	return step(ctx, db, string(script), version)
}

func step(ctx context.Context, db *sql.DB, script string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, version)); err != nil {
		return err
	}
	return tx.Commit()
}

// drawnOnce reads a random name of 26 letters and digits from meta, or draws it.
func drawnOnce(ctx context.Context, db *sql.DB, what string) (name string, err error) {
	_, err = db.ExecContext(ctx, `INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING`, what, rand.Text())
	if err != nil {
		return "", err
	}
	err = db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, what).Scan(&name)
	return name, err
}
