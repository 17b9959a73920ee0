#!/bin/sh
# customize.sh ROOT makes the installed system ours.
set -eu
cd "$1"

# A machine id, or systemd would do all that a first boot takes.
echo 6f6374617c6b6c7976697274756d6163 >etc/machine-id
echo vm >etc/hostname
echo '127.0.0.1 localhost vm' >etc/hosts
: >etc/fstab
: >etc/resolv.conf

# The packages under test are to be installed whole, with their manuals.
rm etc/dpkg/dpkg.cfg.d/99mmdebstrap

chroot . useradd --create-home --shell /bin/bash user

# The whole journal on disk: tests read what was said before a power cut.
mkdir -p var/log/journal etc/systemd/journald.conf.d
cat >etc/systemd/journald.conf.d/vm.conf <<'EOF'
[Journal]
Storage=persistent
RateLimitBurst=0
SystemMaxUse=256M
EOF

# What no test needs and every boot would wait for.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer getty.target getty@tty1.service serial-getty@ttyS0.service systemd-networkd.service \
	systemd-pstore.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
	systemd-random-seed.service modprobe@dm_mod.service modprobe@loop.service modprobe@drm.service \
	modprobe@fuse.service modprobe@configfs.service \
	sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount
do
	ln -s /dev/null "etc/systemd/system/$unit"
done
for module in psmouse floppy pcspkr i2c_piix4 parport_pc iTCO_wdt ata_piix ata_generic; do
	echo "blacklist $module"
done >etc/modprobe.d/vm.conf

# udev is asked about what may be used, not about every part of a mainboard.
mkdir -p etc/systemd/system/systemd-udev-trigger.service.d
cat >etc/systemd/system/systemd-udev-trigger.service.d/vm.conf <<'EOF'
[Service]
ExecStart=
ExecStart=udevadm trigger --action=add --prioritized-subsystem=block --subsystem-match=block --subsystem-match=net --subsystem-match=mem --subsystem-match=misc --subsystem-match=virtio-ports
EOF

cat >etc/systemd/system/vmagent.slice <<'EOF'
[Unit]
Description=Commands of the virtual machine's host
DefaultDependencies=no
EOF
cat >etc/systemd/system/vm-agent.service <<'EOF'
[Unit]
Description=Agent of the virtual machine's host
DefaultDependencies=no
After=systemd-remount-fs.service systemd-tmpfiles-setup.service
# It lives until the last process is killed, and so sees a shutdown to its end.
IgnoreOnIsolate=yes
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/lib/vm-agent
Slice=vmagent.slice
StandardError=journal+console
TasksMax=infinity
# The port may come late.
Restart=on-failure
RestartSec=200ms

[Install]
WantedBy=sysinit.target
EOF
chroot . systemctl --quiet enable vm-agent.service
