// Package announce tells the network of a dispatcher, by way of zeroconf, and
// tells it anew whenever the network changes. It is apart from package discovery
// so that who only listens does not link zeroconf.
//
// zeroconf answers every question of the network's that names us, as often as it
// is asked; it has no bound of its own there.
package announce
