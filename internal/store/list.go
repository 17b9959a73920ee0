package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// source answers queries: a pool of connections or one transaction.
type source interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// list reads all rows of a query; fields are what a row is scanned into.
func list[T any](ctx context.Context, from source, fields func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := from.QueryContext(ctx, query, args...)
	return collect(rows, err, fields)
}

func collect[T any](rows *sql.Rows, err error, fields func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// numbers is what states are in SQL, without the parentheses.
func numbers(states []octaskly.State) string {
	all := make([]string, len(states))
	for i, s := range states {
		all[i] = strconv.Itoa(int(s))
	}
	return strings.Join(all, `, `)
}
