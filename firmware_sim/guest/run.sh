#!/bin/bash
# run.sh BUILT SECONDS WORD…: boots the built guest with the project's code as it is now and runs the probe; its output is ours.
# Software emulation: /dev/kvm isn't usable on every host, and isn't needed (up in 10 to 20 s).
set -euo pipefail
built=$1 seconds=$2; shift 2
project=$(cd "$(dirname "$0")/../.." && pwd)
code=$(mktemp -d "${TMPDIR:-/var/tmp}/etalage-code.XXXXXX"); trap 'rm -rf "$code"' EXIT
mkdir -p "$code/tree/opt/etalage"
(cd "$project" && find gateway rules firmware_sim deploy/bluetooth/main.conf -name '*.py' -print0 -o -name main.conf -print0 | cpio --null -pdm --quiet "$code/tree/opt/etalage")
install -m755 "$project/firmware_sim/guest/init" "$code/tree/init"
(cd "$code/tree" && find . -print0 | cpio --null -o -H newc --quiet) >"$code/code.cpio"
cat "$built/base.cpio" "$code/code.cpio" >"$code/initrd.cpio"
words=$(IFS=,; echo "$*")
timeout -k 5 "$seconds" qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -m 1536 -smp 2 -nodefaults -no-reboot \
  -display none -serial stdio -monitor none -kernel "$built/vmlinuz" -initrd "$code/initrd.cpio" \
  -append "console=ttyS0 quiet panic=-1 mitigations=off etalage_probe=$words" </dev/null
