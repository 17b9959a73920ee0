package main

const daemonLinks = `
A worker reaches its dispatcher by TLS over TCP, or by QUIC, which is UDP; the dispatcher awaits both on ports of the same number, 7878 by default. --transport of the worker says which: measured, QUIC moves a quarter of what TLS over TCP does, at 3.8 times the CPU, so *auto* is TCP, and QUIC where TCP cannot connect within 2 s. Both are equally safe: each side shows the other its certificate.

QUIC is for machines that change their address: where a laptop goes from one network to another, its session goes on as soon as there is a way again, for 30 s at most without one, and what it runs does not notice. Over TCP, and after that time, the worker comes back in a new session, which what it runs does not notice either.

Where the dispatcher cannot have the UDP port, it says so and goes on with TCP; *--quic=false* has it not try. A worker that is told to use *quic* and hears nothing by UDP says that. --transport *tcp* never uses UDP.

QUIC wants buffers of 7 MiB. The packages have _/usr/lib/sysctl.d/60-octaskly.conf_ for that; a daemon that does not get them says so and what to set. Where a network card or a virtual machine spoils UDP packets, *QUIC_GO_DISABLE_GSO=true* and *QUIC_GO_DISABLE_ECN=true* in its environment have the kernel's help left out.
`
