package dispatcher

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// bulkTimeout is how long a bulk channel may stand still while bytes are due.
const bulkTimeout = 60 * time.Second

// acceptBulk serves the bulk channels of one session.
func (d *Dispatcher) acceptBulk(ctx context.Context, s *session) {
	var channels sync.WaitGroup
	defer channels.Wait()
	for {
		header, bulk, err := s.link.AcceptBulk(ctx)
		if err != nil {
			return
		}
		channels.Go(func() {
			defer bulk.Close()
			if err := d.serveBulk(ctx, s, header, metered{bulk, &d.meter.bulk}); err != nil && ctx.Err() == nil {
				d.Log.Debug("Bulk channel has failed", "address", s.link.Peer(), "error", err)
			}
		})
	}
}

func (d *Dispatcher) serveBulk(ctx context.Context, s *session, header []byte, bulk transport.Channel) error {
	var h protocol.BulkHeader
	if err := protocol.Unmarshal(header, &h); err != nil {
		return fmt.Errorf("cannot read its header: %w", err)
	}
	if h.Output != nil {
		return d.receive(ctx, s, h.Output, bulk)
	}
	if h.Renew {
		return d.renew(ctx, s, bulk)
	}
	return d.sendBlob(h, bulk)
}

var errNoCertificate = errors.New("there is no certificate to renew")

// renew gives a worker a fresh certificate in place of the one that its session was
// opened with.
func (d *Dispatcher) renew(ctx context.Context, s *session, bulk transport.Channel) error {
	fresh, authority, err := d.renewed(ctx, s.link.Identity())
	answer := &protocol.Renewed{}
	if err != nil {
		d.Log.Warn("A worker's certificate is not renewed", "address", s.link.Peer(), "why", err)
		answer.Refused = "its log says why"
	} else {
		answer.Certificate, answer.Authority = fresh.Raw, authority.Raw
	}
	text, err := protocol.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = (&patient{bulk}).Write(text)
	return err
}

func (d *Dispatcher) renewed(ctx context.Context, who *transport.Identity) (fresh, authority *x509.Certificate, err error) {
	if d.Roster == nil || who == nil {
		return nil, nil, errNoCertificate
	}
	return d.Roster.Renew(ctx, who)
}

// receive mirrors an attempt's output, which goes on for as long as its command
// does, and tells the core that it is over.
func (d *Dispatcher) receive(ctx context.Context, s *session, f *protocol.Fetch, bulk transport.Channel) error {
	its, err := ask(ctx, d, func(c *core, reply func(bool, error)) {
		w := s.worker
		reply(w != nil && w.session == s && (c.held(w, f.ID) != nil || w.late[f.ID] != nil), nil)
	})
	if err != nil {
		return err
	}
	if !its {
		return fmt.Errorf("attempt %v is not with that worker", f.ID)
	}
	defer d.post(func(c *core) {
		if w := s.worker; w != nil && w.session != nil && c.workers[w.ID] == w { // it may have joined anew meanwhile
			c.received(w, f.ID)
		}
	})
	return d.outputs.receive(f.ID, f.From, f.Size, bulk)
}

func (d *Dispatcher) sendBlob(h protocol.BulkHeader, bulk transport.Channel) error {
	blob, err := d.blobs.open(h.Blob)
	if err != nil {
		return err
	}
	defer blob.Close()
	_, err = io.Copy(&patient{bulk}, blob)
	return err
}

// patient writes with a deadline of its own for each write.
type patient struct{ transport.Channel }

func (p *patient) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(bulkTimeout))
	return p.Channel.Write(b)
}
