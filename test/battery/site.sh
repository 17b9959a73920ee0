#!/bin/bash
# site.sh installs the package and sets up what every machine has that tasks are
# not to reach.
set -euo pipefail
dpkg --install /root/octaskly.deb
modprobe loop

# Boxes show /usr: there the attacks see that they may run.
touch /usr/lib/octaskly-attack.allowed

cat >>/etc/octaskly/executor.toml <<'END'
allow_none = true
allow_host_network = true
slots = 4
cpus = "8"
grace = "1s"
first_uid = 1862270976
END
printf '[limits]\nmax_output = "1MiB"\n' >/etc/octaskly/dispatcher.d/battery.toml

# What belongs to the machine, for tasks to find or not.
touch /tmp/of-the-machine /var/tmp/of-the-machine /dev/shm/of-the-machine
mkdir -p /srv/open && chmod 1777 /srv/open

# The address of clouds' metadata, with somebody there; a service of the
# machine's, one by an abstract socket, and one for everybody below /run.
ip address add 169.254.169.254/32 dev lo
mkdir -p /run/service
cat >/root/serve.py <<'END'
import os, selectors, socket
os.umask(0)
chosen = selectors.DefaultSelector()
for family, address in ((socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_INET, ("127.0.0.1", 9999)),
                        (socket.AF_UNIX, "\0octaskly-attack"), (socket.AF_UNIX, "/run/service/socket")):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen()
    chosen.register(s, selectors.EVENT_READ)
while True:
    for key, _ in chosen.select():
        key.fileobj.accept()[0].close()
END
systemd-run --quiet --unit attacked-service python3 /root/serve.py

systemctl enable --now octasklyd-dispatcher octasklyd-worker
