package dispatcher

import (
	"context"
	"crypto/x509"
)

// Dismiss ends the sessions of workers whose certificates count no more. What they run goes
// on; they may be back with another certificate before their lease is over.
func (d *Dispatcher) Dismiss(ctx context.Context, counts func(*x509.Certificate) bool) error {
	open, err := consult(ctx, d, func(c *core) (open map[string]*session, _ error) {
		open = map[string]*session{}
		for _, w := range c.workers {
			if w.session != nil && w.session.link.Identity() != nil {
				open[string(w.ID)] = w.session
			}
		}
		return open, nil
	})
	for id, s := range open { // not in the core: signatures take their time
		if !counts(s.link.Identity().Certificate) {
			d.Log.Warn("Session ends: the worker's certificate counts no more", "id", id)
			s.close()
		}
	}
	return err
}
