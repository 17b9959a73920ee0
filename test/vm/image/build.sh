#!/bin/sh
# build.sh SCRIPTS AGENT [TOOLS] makes disk.raw, vmlinuz and initrd in the working
# directory: a Debian 12 that runs AGENT, with packages TOOLS besides, separated by
# commas. It takes root, or else fakeroot(1) and subordinate user ids (subuid(5)).
set -eu
scripts=$1 agent=$2 tools=${3:-}

# What a Debian server has and tests may look for; the rest would cost time.
packages=linux-image-cloud-amd64,initramfs-tools,zstd,systemd,systemd-sysv
packages=$packages,libpam-systemd,dbus,udev,init-system-helpers,adduser,procps,iproute2,kmod
packages=$packages${tools:+,$tools}

# The hooks are handed over as text: whoever runs them need not find our files.
# A reproducible image would have no machine id. The initial RAM disk knows its
# modules and needs no udev to find them.
mmdebstrap --quiet --aptopt='Acquire::Retries "5"' --variant=minbase --include="$packages" --skip=cleanup/reproducible \
	--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/initramfs-tools/*/udev' \
	--essential-hook="$(cat "$scripts/essential.sh")" \
	--customize-hook="$(cat "$scripts/customize.sh")" \
	--customize-hook="upload '$agent' /usr/local/lib/vm-agent" \
	--customize-hook='chmod 755 "$1/usr/local/lib/vm-agent"' \
	bookworm root.tar

# mke2fs reads owners from a directory, so without root, fakeroot pretends them.
cat >disk.sh <<'EOF'
set -eu
mkdir root
tar -C root -xf root.tar
cp root/boot/vmlinuz-* vmlinuz
cp root/boot/initrd.img-* initrd
mke2fs -q -t ext4 -L root -m 0 -E root_owner=0:0 -d root disk.raw 4G
EOF
if [ "$(id -u)" = 0 ]; then sh disk.sh; else fakeroot sh disk.sh; fi
chmod a-w,a+r disk.raw
chmod a+r vmlinuz initrd
rm -rf root root.tar disk.sh
