package joining

import (
	"context"
	"fmt"
	"io"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// Answer serves one connection of joining, from its TLS handshake's end until the
// worker has its certificate (nil) or not. The error is for the log, with no secrets; what
// of it the worker hears, Desk says. It is a *Rejection where one has applied.
func Answer(ctx context.Context, visit Visit, desk Desk) error {
	v := &answering{frames: frames{visit.Conn}, visit: &visit, desk: desk}
	err := v.serve(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() == nil && !v.lost {
		v.refuse(ctx, publish(err))
	}
	if v.application != nil {
		return &Rejection{v.application, err}
	}
	return fmt.Errorf("cannot let a worker join: %w", err)
}

// answering is one connection of a worker that wants to join, at the dispatcher's.
type answering struct {
	frames
	visit       *Visit
	desk        Desk
	application *Application
	subject     subject
	lost        bool // the worker has gone, or speaks something else
}

// refuse says why, and waits until the worker has gone: TCP may lose what was written to one
// who is still sending.
func (v *answering) refuse(ctx context.Context, r *refused) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		within(ctx, farewell, v.visit.Conn.SetReadDeadline, func() error {
			_, err := io.CopyN(io.Discard, v.visit.Conn, 2*MaxFrame)
			return err
		})
	}()
	v.send(ctx, farewell, &toWorker{Refused: r}) // who has gone does not hear it
	<-gone
}

func (v *answering) serve(ctx context.Context) error {
	var first fromWorker
	if err := v.receive(ctx, stepTimeout, &first); err != nil {
		v.lost = true
		return err
	}
	a := first.Apply
	if a == nil {
		v.lost = true
		return fmt.Errorf("%w: it does not begin with an application", ErrForeign)
	}
	application, err := a.application(v.visit)
	if err != nil {
		return err
	}
	v.application = application
	v.subject = subjectOf(v.visit.Exporter, a.SPKI, v.visit.Authority)
	soon, cancel := context.WithTimeout(ctx, issueTimeout-stepTimeout)
	defer cancel()
	if err := v.desk.Allowed(soon, application); err != nil {
		return err
	}
	switch a.Way {
	case ByKey:
		return v.byKey(soon, a)
	case ByInvite:
		return v.byInvite(soon, a)
	default:
		return v.byApproval(ctx, a)
	}
}

func (v *answering) byKey(ctx context.Context, a *apply) error {
	for _, key := range v.desk.Keys() {
		if secret := keySecret(key); v.subject.proven(secret, security.Worker, a.Proof) {
			return v.issue(ctx, v.subject.prove(secret, security.Dispatcher))
		}
	}
	return fmt.Errorf("%w: its fleet key is another one; copy the key file from the dispatcher's machine", octaskly.ErrDenied)
}

// issue lets the worker have its certificate, and the proof which that answers.
func (v *answering) issue(ctx context.Context, proof []byte) error {
	certificate, err := v.desk.Issue(ctx, v.application)
	if err != nil {
		return err
	}
	message := &toWorker{Joined: &joined{Proof: proof, Certificate: certificate.Raw, Fleet: v.desk.Fleet()}}
	if err := v.send(ctx, stepTimeout, message); err != nil {
		v.lost = true
		return fmt.Errorf("it has its certificate, and did not hear: %w", err)
	}
	return nil
}
