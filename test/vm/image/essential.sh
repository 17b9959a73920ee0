#!/bin/sh
# essential.sh ROOT runs before the kernel is installed, whose installation
# makes the initial RAM disk: one that knows our virtual disk and nothing else.
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
cat >"$1/etc/initramfs-tools/conf.d/vm" <<'EOF'
MODULES=list
COMPRESS=zstd
RESUME=none
FSTYPE=ext4
EOF
cat >"$1/usr/share/initramfs-tools/modules.d/vm" <<'EOF'
virtio_pci
virtio_blk
virtio_console
virtio_net
EOF
