// Package discovery tells dispatchers and workers of one network about each
// other, by multicast DNS (RFC 6762) and DNS-SD (RFC 6763). What is heard is a
// hint about addresses and never about trust: anybody on the network can say
// anything. Whoever connects to such an address has to be shown the proofs of
// package transport, and shows nothing himself that is worth anything elsewhere.
//
// A dispatcher announces an instance HOST-PORT of _octaskly._tcp.local, and of
// _octaskly._udp.local where QUIC listens, with a TXT record:
//
//	txtvers=1           of this list
//	fleet=default       the fleet's name
//	id=0123456789abcdef the same for all who have the fleet's key
//	protocol=1          of messages
//	version=1.2.3       of the program
//	transports=quic,tcp
//	rest=3000           port of REST over HTTPS, if there is one
//	seal=…              see [Announcement.Text]
//
// Package announce sends it, by way of zeroconf. [Browser] listens by itself:
// zeroconf's tells neither goodbyes nor changes nor who has spoken, has no
// bounds, and octasklyctl links as little as it can.
//
// # Hostile networks
//
// Names are checked letter by letter, so that nothing of them can hurt a
// terminal or a log. [Browser] takes so many packets a second of each address
// and of all, holds so many announcements of each and of all, and believes no
// lifetime beyond [maxLife]. One address cannot change or end what another has
// said. Who knows the fleet's key prefers announcements with its seal: those push
// others out and are never pushed out, so that a flood hides nobody.
package discovery
