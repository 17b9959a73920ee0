package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
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
	for ; version < len(files); version++ {
		script, err := migrations.ReadFile(files[version])
		if err != nil {
			return err
		}
		if err := step(ctx, db, string(script), version+1); err != nil {
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
	err = db.QueryRowContext(ctx, `SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_user_version, pragma_application_id`).Scan(&version, &application, &objects)
	if err == nil && application != applicationID && objects > 0 {
		err = errForeign
	}
	return version, err
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
