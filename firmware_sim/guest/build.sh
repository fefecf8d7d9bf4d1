#!/bin/bash
# build.sh SUITE OUT: a guest with Debian's kernel, BlueZ and a virtual Bluetooth controller, from Debian packages and hashed wheels.
# Needs root and: qemu-system-x86 mmdebstrap kmod cpio (installed when missing). About two minutes; OUT keeps the result:
#   vmlinuz, base.cpio (everything but the project's own files), stamp (what it was made from).
set -euo pipefail
suite=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
requirements=$project/tests/radio/requirements.txt
python=${PYTHON:-python3}
case $suite in bookworm) python_version=3.11 ;; trixie) python_version=3.13 ;; *) echo "build.sh: no suite $suite; bookworm or trixie" >&2; exit 2 ;; esac

stamp=$(cat "$here/build.sh" "$requirements" | sha256sum | cut -c1-16)
if [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ]; then echo "guest $suite: built before"; exit 0; fi

missing=
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap depmod:kmod cpio:cpio; do
  PATH=$PATH:/sbin command -v "${tool%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
# shellcheck disable=SC2086 # a list of packages
[ -z "$missing" ] || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/etalage-guest.XXXXXX"); trap 'rm -rf "$work"' EXIT
root=$work/root kernel=$work/kernel
mkdir -p "$kernel" "$work/packages" "$out"

# The kernel comes by the same apt set-up as the root tree; it is unpacked, not installed: its scripts would want a boot loader.
cat >"$work/fetch-kernel" <<'HOOK'
set -e
cd "$PACKAGES"; export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
apt-get download -qq -o APT::Sandbox::User=root "$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/{print $2; exit}')"
HOOK
PACKAGES=$work/packages mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include=bluez,dbus,python3,kmod,iproute2,procps --customize-hook="sh $work/fetch-kernel" "$suite" "$root"

dpkg-deb -x "$work"/packages/linux-image*.deb "$kernel"
[ -d "$kernel/lib/modules" ] || mv "$kernel/usr/lib" "$kernel/lib"
version=$(ls "$kernel/lib/modules"); PATH=$PATH:/sbin
depmod -b "$kernel" "$version"
modules=$root/lib/modules/$version; mkdir -p "$modules/kernel"
cp "$kernel/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$modules/"
for module in hci_vhci algif_hash algif_skcipher cmac ecb ecdh_generic virtio_rng; do
  modprobe -d "$kernel" -S "$version" --show-depends "$module" 2>/dev/null | awk '/^insmod/{print $2}'
done | sort -u | while read -r file; do
  to=$modules/${file#*/lib/modules/"$version"/}; mkdir -p "$(dirname "$to")"; cp "$file" "$to"
done
depmod -b "$root" "$version"

"$python" -m pip install -q --no-input --no-deps --require-hashes --target "$root/opt/site" --python-version "$python_version" \
  --only-binary=:all: --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 --platform manylinux_2_34_x86_64 --platform any \
  -r "$requirements"
(cd "$root" && find . \( -path './proc/*' -o -path ./var/cache -o -path ./var/lib/apt -o -path ./usr/share/perl \) -prune -o -print0 |
  cpio --null -o -H newc --quiet) >"$out/base.cpio"
cp "$kernel"/boot/vmlinuz-* "$out/vmlinuz"
echo "$stamp" >"$out/stamp"
echo "guest $suite: built, kernel $version"
