package main

const daemonDiscovery = `
A dispatcher that listens on an address that others can reach announces itself by multicast DNS, as an instance of *_octaskly._tcp* and, where it has QUIC, *_octaskly._udp*: with its host's name, addresses and ports, the fleet's name, and the program's version. It does so anew when the machine's interfaces or addresses change, and says goodbye when it stops. *--announce=false* keeps it quiet. Loopback, tunnels, and the networks of containers and virtual machines (interfaces whose names begin with docker, veth, br- or virbr, and the like) are left out. Beside avahi both work.

A worker that is given no address tries the dispatcher on its own machine, and then whoever announces itself for its *fleet*, those first whose announcement is sealed with the fleet key. It looks again, ever less often, up to every 10 s, until there is one, and whenever a session is lost: so a dispatcher may move to another address. Its log says what it has heard and why that was not taken. An address that is given wins, and nothing is listened to; *--discover=false* does without the network, too. *octasklyctl discover* lists what is heard.

What is heard is a hint and no more: anybody on the network can announce anything. Whoever is at such an address has to prove that he knows the fleet key before a worker tells him anything. What he gets to see before is a proof that the worker knows it, which holds for that one connection only and says nothing of the key. Bounds keep a flood of forged announcements from taking more than a little memory, and the seal keeps it from hiding the right one; a worker tries only a few of the others, and none that is neither in a network of its machine nor a private address.

Multicast DNS takes UDP port 5353 to be open to the machine's own network, 224.0.0.251 and ff02::fb. It does not go beyond a router: elsewhere, give the address by *--dispatcher*. Where IPAddressDeny= of systemd holds a daemon, these two have to be allowed.
`
