package main

// Who may do what, and from where.
const manualAccess = `
Whoever may open the dispatcher's socket is known by his user on that machine. From elsewhere, the dispatcher is reached by HTTPS, if it is configured for that, by users whom it knows itself:

    octasklyctl login https://octaskly.example.org:3000
    octasklyctl run -- uname -a

*roles*::
A *client* sees and changes tasks of his own. A *dispatcher* sees and changes all tasks, and manages workers. An *admin* may do everything: manage users and tokens, and read the audit log. A *worker* may do nothing by octasklyctl. octasklyctl whoami tells who you are.

*tokens*::
A login has an access token that is good for minutes, and is renewed without a word for as long as the session lasts: 30 days after its last use. octasklyctl token create makes a token for a program. octasklyctl token revoke ends either at once.

*trust*::
The first octasklyctl login to a dispatcher whose authority this machine does not know shows its fingerprint, or wants it by --fingerprint; it begins with *SHA256:*. The dispatcher's operator tells it. From then on, the context trusts this authority and no other.

*passwords and secrets*::
None is ever taken from the command line, which everybody on a machine can read. On a terminal they are asked for, without echo. Otherwise they come from files, or from stdin where the name of the file is *-*; a newline at the end is left out. So does what --secret-env gives to a command: it is kept sealed, and octasklyctl show has its name only.

*the audit log*::
Every change and every refusal is a row of a log in which each row is chained to the one before. octasklyctl audit verify finds rows that were edited, removed or put elsewhere; with an anchor that was kept elsewhere, also that the log is a whole new one. The dispatcher drops rows that are older than its _[retention]_ says, and says so in a row of its own: audit verify tells where the log begins, and an anchor of before cannot be compared any more, so make one from time to time.
`
