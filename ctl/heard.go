package main

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/discovery"
)

type heardDocument struct {
	Dispatchers []heardView `json:"dispatchers"`
}

type heardView struct {
	Fleet      string   `json:"fleet"`
	ID         string   `json:"id"`
	Host       string   `json:"host"`
	Addresses  []string `json:"addresses"` // with the port
	Port       uint16   `json:"port"`
	Transports []string `json:"transports"`
	REST       string   `json:"rest,omitempty"` // its URL
	Protocol   int      `json:"protocol"`
	Version    string   `json:"version,omitempty"`
	addresses  []string // without it
}

func viewOfHeard(h *discovery.Heard) heardView {
	v := heardView{
		Fleet: h.Fleet, ID: h.ID, Host: h.Host, Port: h.Port, Transports: h.Transports,
		Protocol: h.Protocol, Version: h.Version, Addresses: []string{},
	}
	for _, a := range h.Addresses {
		v.addresses = append(v.addresses, a.String())
		v.Addresses = append(v.Addresses, netip.AddrPortFrom(a, h.Port).String())
	}
	if v.Transports == nil {
		v.Transports = []string{}
	}
	if h.REST != 0 && len(h.Addresses) > 0 {
		v.REST = "https://" + netip.AddrPortFrom(h.Addresses[0], h.REST).String()
	}
	return v
}

func (s *session) writeHeard(heard []discovery.Heard, patience time.Duration) error {
	views := []heardView{}
	for i := range heard {
		views = append(views, viewOfHeard(&heard[i]))
	}
	switch {
	case s.output == outputJSON:
		return s.printJSON(heardDocument{views})
	case s.output == outputQuiet:
		for _, v := range views {
			if err := s.print("%s\n", strings.Join(v.Addresses[:min(len(v.Addresses), 1)], "")); err != nil {
				return err
			}
		}
		return nil
	case len(views) == 0:
		s.note("no dispatcher is heard in %v; one announces itself unless it listens on loopback only or has announce = false", patience)
		return nil
	}
	t := newTable("FLEET", "HOST", "ADDRESSES", "PORT", "TRANSPORTS", "REST", "VERSION", "ID")
	for _, v := range views {
		t.add(v.Fleet, v.Host, strings.Join(v.addresses, " "), strconv.Itoa(int(v.Port)), strings.Join(v.Transports, " "), v.REST, v.Version, v.ID)
	}
	t.dropEmpty("REST", "VERSION")
	t.give, t.width = 2, terminalWidth(s.stdout)
	return t.write(s.stdout)
}
