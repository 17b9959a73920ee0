package store

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
)

// door lets connections to the database be made, unless it is shut.
type door struct {
	driver.Connector
	why *atomic.Pointer[Outage] // nil: open
}

// Connect implements driver.Connector.
func (d door) Connect(ctx context.Context) (driver.Conn, error) {
	if why := d.why.Load(); why != nil {
		return nil, why
	}
	return d.Connector.Connect(ctx)
}
