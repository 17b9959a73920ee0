// Package systemd is what a daemon and its service manager say to each other:
//
//   - Sockets that the manager opened before it started the daemon
//     (sd_listen_fds(3)): [Inherited].
//   - What the daemon is about (sd_notify(3)): [Ready], [Status], [Reloading],
//     [Stopping], [Extend]; and that it is well: [Watchdog].
//   - The daemon's log with fields, in the journal's own protocol
//     (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): [Journal].
//
// All of it works on systemd 252, and is harmless where there is no manager.
//
// LISTEN_* is taken out of the environment, as descriptors are taken once.
// NOTIFY_SOCKET, WATCHDOG_* and JOURNAL_STREAM stay: a daemon that executes
// itself again in place keeps its pid and needs them again.
package systemd
