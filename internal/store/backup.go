package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Backup copies the database at path to an empty file, whether or not somebody
// has it open: what is committed when Backup is called is in the copy. It is
// checked, and a store that opens it draws another generation.
func Backup(ctx context.Context, path, to string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot copy database %q: there is none", path)
	}
	if err := backup(ctx, path, to); err != nil {
		return fmt.Errorf("cannot copy database %q: %w", path, explain(err))
	}
	return nil
}

func backup(ctx context.Context, path, to string) error {
	if err := ours(ctx, path); err != nil {
		return err
	}
	db := connect(path, writerCache, "mode=ro")
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
		return err
	}
	copied := connect(to, writerCache, "_journal_mode=MEMORY&_synchronous=FULL")
	defer copied.Close()
	if _, err := copied.ExecContext(ctx, `INSERT OR REPLACE INTO meta VALUES ('file', ?)`, backedUp); err != nil {
		return err
	}
	if err := copied.Close(); err != nil {
		return err
	}
	return Verify(ctx, to)
}

// Verify reads all of a database, and says what is wrong with it.
func Verify(ctx context.Context, path string) error {
	if err := ours(ctx, path); err != nil {
		return fmt.Errorf("cannot use database %q: %w", path, explain(err))
	}
	switch found, err := check(ctx, path); {
	case err != nil:
		return fmt.Errorf("cannot read database %q: %w", path, explain(err))
	case found != "":
		return fmt.Errorf("cannot use database %q: it is damaged: %s", path, found)
	}
	return nil
}

// ours says why a database is none that this program can open.
func ours(ctx context.Context, path string) error {
	if err := plainFiles(path); err != nil {
		return err
	}
	db := connect(path, checkCache, "mode=ro")
	defer db.Close()
	version, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		return err
	case version == 0:
		return errForeign
	case version > latest():
		return newer(version, latest())
	}
	found, err := strange(ctx, db, version)
	if err == nil && found != "" {
		err = fmt.Errorf("%s; somebody has changed it: restore a backup from before", found)
	}
	return err
}
