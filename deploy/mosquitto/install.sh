#!/bin/sh
# Put the configuration and the access list in place, for your chain and store. Usage: install.sh CHAIN STORE
set -eu
here="$(dirname "$0")"
folder="${ETALAGE_MOSQUITTO:-/etc/mosquitto/etalage}"
chain="${1:-}" store="${2:-}"
[ -n "$chain" ] && [ -n "$store" ] || { echo "install.sh: give the ids of chain and store, as in the gateway's settings" >&2; exit 2; }
case "$chain$store" in *[!a-z0-9_-]*) echo "install.sh: ids may hold a-z, 0-9, _ and - only" >&2; exit 2 ;; esac
mkdir -p "$folder"
sed "s#/demo-chain/demo/#/$chain/$store/#" "$here/acl" >"$folder/acl"
chmod 600 "$folder/acl"
if id mosquitto >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    chown mosquitto: "$folder" "$folder/acl"
fi
etc="$(dirname "$folder")"
if [ -d "$etc/conf.d" ]; then
    ours="$etc/conf.d/etalage.conf"
    rm -f "$ours"
    said="$(grep -rhs '^persistence_location' "$etc/mosquitto.conf" "$etc/conf.d" || true)"
    sed "s#/etc/mosquitto/etalage/#$folder/#" "$here/mosquitto.conf" >"$ours"
    # Debian's own configuration says where the store is, and Mosquitto doesn't start when it is said twice.
    [ -n "$said" ] || echo "persistence_location /var/lib/mosquitto/" >>"$ours"
fi
echo "access list of $chain/$store: $folder/acl"
