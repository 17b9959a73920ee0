package main

const daemonJoining = `
A worker joins once, and has a certificate of the fleet's own authority from then on. It shows it with every connection, and the dispatcher shows one as well, so that each knows the other. The certificate lies with its key in _identity.pem_ in the worker's state directory, for its owner alone; it is good for 30 days and renewed after 20, while the worker goes on. There are three ways to join:

*the fleet key*::
A worker that has the dispatcher's _fleet.key_ joins by itself. Each shows the other that it knows the key.

*an invite*::
*octasklyctl worker invite* prints a line that lets one worker join, once, for 24 h unless told otherwise. It is a secret: put it, for root alone, at _/etc/octaskly/invite_ on the worker's machine, or give its file by *--invite-file*. It names the fleet's authority, so that the worker takes no other dispatcher.

*an approval*::
A worker that has neither shows six digits in its journal, in *systemctl status octasklyd-worker*, and by *octasklyctl worker ls* on its machine. Read them there and type on the dispatcher's machine what it says: *octasklyctl worker approve NAME 483-112*. Whoever is between the two on the network makes the worker show other digits than those that the dispatcher takes. Never approve a code that came any other way. Three wrong codes end it, and the worker waits for a minute before it shows others.

A unit that waits to be approved starts again by itself when there is a key or an invite in _/etc/octaskly_.

*octasklyctl worker remove NAME* ends a worker's session at once, and it is not let in again with its certificate, with an invite, or with the key, before *octasklyctl worker approve NAME* says so: its id and its key are known. Who has the fleet key may make another worker of the machine, with another id and key; where that matters, *join.key* = false in dispatcher.toml. A worker that joins anew with another key, as when its identity.pem was moved away, ends the certificates of the key before. Of one host, four may wait for an approval, and one more each 15 s. *join.allow* in dispatcher.toml lists the names that workers may have, and *join.key* = false leaves invites and approvals only.

*octasklyd dispatcher rotate*, by root or the dispatcher's user, gives the fleet another authority, as some do each year, and everybody before the ten years are over that it lives. It counts when the dispatcher reloads (*systemctl reload octasklyd-dispatcher*), and nothing stops: workers that know the former one are shown a certificate of that, and renew by themselves when they connect next; *systemctl restart octasklyd-dispatcher* has all do so at once. After 31 days the former one counts no more. Invites from before are good no more, and who calls the REST API by the fleet's authority has to learn the new fingerprint: *octasklyctl login* says how. With *--distrust*, for when somebody may have got at it, no former authority counts from the reload on: sessions by its certificates end, what runs goes on, and workers that have the fleet key or a new invite join anew by themselves. On any other, stop the worker, move its _identity.pem_ away and start it: it shows a code to approve, which it would not do for a dispatcher that only says to be its own. Whoever has the fleet key joins anew, too: should that be known to others, first type *octasklyd key rotate --distrust*, and start the dispatcher again in place of the reload.

*octasklyd key rotate FILE* puts another fleet key before those in _fleet.key_. It counts when the dispatcher starts the next time (*systemctl restart octasklyd-dispatcher*), which no command notices; workers that have joined go on by their certificates, whatever key is on their machines. Each key before lets workers in, and invites that it has made count, for 31 days from when another took its place. With *--distrust*, for when others may know them, that ends with the start; who has come in by them so far stays, until *octasklyctl worker remove*, or for all *octasklyd dispatcher rotate --distrust*, typed next, before that start. Secret environments of tasks from before open as long as the line of their key is in the file; the authority, and whoever is logged in, need it no more once the dispatcher has started. *octasklyd key list FILE* shows the keys by their fingerprints.

A worker that was joined to another fleet joins this one when it is given this one's key or an invite. To have one forget what it is, stop it and remove its _identity.pem_. Workers and dispatchers from before certificates go on with the fleet key.
`
