package discovery

import (
	"errors"
	"fmt"

	"golang.org/x/net/dns/dnsmessage"
)

// Goodbye tells the network that an instance of services is gone (RFC 6762
// §10.1). zeroconf's own comes while it may still be announcing, and what is said
// last counts; this one is for when it has ended.
func Goodbye(list []Interface, instance string, services []string, host string, port uint16) error {
	packet, err := goodbye(instance, services, host, port)
	if err != nil {
		return fmt.Errorf("cannot say goodbye: %w", err)
	}
	sockets, err := openSockets(list)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range sockets {
		for _, i := range list {
			errs = append(errs, s.send(packet, i.Index))
		}
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// goodbye is an answer of no lifetime.
func goodbye(instance string, services []string, host string, port uint16) ([]byte, error) {
	target, err := dnsmessage.NewName(host + domain)
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}}
	for _, service := range services {
		kind, err := dnsmessage.NewName(service + domain)
		if err != nil {
			return nil, err
		}
		name, err := dnsmessage.NewName(instance + "." + service + domain)
		if err != nil {
			return nil, err
		}
		m.Answers = append(m.Answers,
			dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: kind, Class: dnsmessage.ClassINET}, Body: &dnsmessage.PTRResource{PTR: name}},
			dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.SRVResource{Target: target, Port: port}})
	}
	return m.Pack()
}
