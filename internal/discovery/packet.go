package discovery

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	maxRecords = 256 // of a packet that are looked at
	domain     = ".local."
	maxLife    = 10 * time.Minute // of an announcement, whatever it says
)

var errNoResponse = errors.New("it is no response")

// sighting is what a packet says of one instance: that there is one, or that it
// has gone.
type sighting struct {
	instance string
	gone     bool
	life     time.Duration
	Announcement
}

// records are those of a packet that matter, by lower case names.
type records struct {
	services  map[string]dnsmessage.SRVResource
	texts     map[string][]string
	lives     map[string]time.Duration // the least of an instance's records
	addresses map[string][]netip.Addr
}

// parsePacket returns what a packet says of dispatchers. What is not announced
// whole is left out, as those do that are wrong.
func parsePacket(packet []byte) ([]sighting, error) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil {
		return nil, err
	}
	if !header.Response {
		return nil, errNoResponse // such as zeroconf's probes, which hold records, too
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, err
	}
	r := &records{map[string]dnsmessage.SRVResource{}, map[string][]string{}, map[string]time.Duration{}, map[string][]netip.Addr{}}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	return r.sightings(), nil
}

// read goes through the answers and what is added to them.
func (r *records) read(p *dnsmessage.Parser) error {
	for range maxRecords {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err == nil {
			err = r.resource(p, h, p.SkipAnswer)
		}
		if err != nil {
			return err
		}
	}
	if p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return nil
	}
	for range maxRecords {
		h, err := p.AdditionalHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err == nil {
			err = r.resource(p, h, p.SkipAdditional)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *records) resource(p *dnsmessage.Parser, h dnsmessage.ResourceHeader, skip func() error) error {
	name := strings.ToLower(h.Name.String())
	switch h.Type {
	case dnsmessage.TypeSRV:
		srv, err := p.SRVResource()
		if err == nil && isInstance(name) {
			r.services[name] = srv
			r.live(name, h.TTL)
		}
		return err
	case dnsmessage.TypeTXT:
		txt, err := p.TXTResource()
		if err == nil && isInstance(name) {
			r.texts[name] = txt.TXT
			r.live(name, h.TTL)
		}
		return err
	case dnsmessage.TypeA:
		a, err := p.AResource()
		r.address(name, netip.AddrFrom4(a.A))
		return err
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		r.address(name, netip.AddrFrom16(a.AAAA).Unmap())
		return err
	}
	return skip()
}

func (r *records) live(name string, ttl uint32) {
	life := min(time.Duration(ttl)*time.Second, maxLife)
	if known, ok := r.lives[name]; ok {
		life = min(life, known)
	}
	r.lives[name] = life
}

func (r *records) address(name string, addr netip.Addr) {
	if len(r.addresses[name]) < maxAddresses && isSomebody(addr) {
		r.addresses[name] = append(r.addresses[name], addr)
	}
}

// isSomebody is false for what leads to no other machine, or to many. Loopback is
// for whoever listens there on the hearer's own machine, who asked for nothing.
func isSomebody(addr netip.Addr) bool {
	return addr.IsValid() && (addr.IsGlobalUnicast() || addr.IsLinkLocalUnicast())
}

func isInstance(name string) bool {
	return strings.HasSuffix(name, "."+TCP+domain) || strings.HasSuffix(name, "."+UDP+domain)
}

func (r *records) sightings() (seen []sighting) {
	for name, life := range r.lives {
		if s := r.sighting(name); life == 0 {
			seen = append(seen, sighting{instance: name, gone: true})
		} else if s.parseTXT(r.texts[name]) == nil && s.check() == nil {
			s.life = life
			seen = append(seen, s)
		}
	}
	return seen
}

func (r *records) sighting(name string) sighting {
	srv := r.services[name]
	host := srv.Target.String()
	return sighting{instance: name, Announcement: Announcement{
		Host: strings.TrimSuffix(host, domain), Port: srv.Port, Addresses: r.addresses[strings.ToLower(host)],
	}}
}
