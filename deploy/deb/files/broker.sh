#!/bin/sh
# broker.sh: sets the Mosquitto on this box up for the gateway: TLS for the shop's network, a user for each role, access lists.
# Run by the package when it is installed; run it again after another chain, store or gateway was put in etalage.toml.
# A Mosquitto that the shop set up its own way is left as it is, and the gateway's settings too: it says so, in one line.
set -eu
here=$(dirname "$(readlink -f "$0")")
settings=/etc/etalage/etalage.toml
folder=/etc/mosquitto/etalage

ids() { # the three ids of the settings, in a line
  /usr/lib/etalage/current/bin/python3 -I - "$settings" <<'PYTHON'
import sys
from pathlib import Path
from gateway.settings import SettingsError, load_settings
try:
    store = load_settings(Path(sys.argv[1])).store
except SettingsError as error:
    sys.exit(f"etalage: {error}")
print(store.chain, store.store, store.gateway)
PYTHON
}

# Theirs: a mosquitto.conf that isn't the package's, or a file of somebody else in conf.d.
others() {
  said=$(dpkg-query -W -f '${Conffiles}\n' mosquitto | awk '$1 == "/etc/mosquitto/mosquitto.conf" {print $2}')
  [ "$(md5sum </etc/mosquitto/mosquitto.conf | cut -d' ' -f1)" = "$said" ] || echo /etc/mosquitto/mosquitto.conf
  for file in /etc/mosquitto/conf.d/*.conf; do
    case "$file" in */etalage.conf | */etalage-this-box.conf | */\*.conf) ;; *) echo "$file" ;; esac
  done
}

if [ ! -e /etc/mosquitto/conf.d/etalage.conf ]; then
  found=$(others | tr '\n' ' ')
  if [ -n "$found" ]; then
    echo "etalage: Mosquitto has a configuration of its own here ($found), and keeps it. Say in $settings, [mqtt], how the gateway" \
      "connects; /usr/share/etalage/mosquitto/README.md has the access list." >&2
    exit 0
  fi
fi

said=$(ids)
# shellcheck disable=SC2086  # three ids, without spaces
set -- $said
chain=$1 store=$2 gateway=$3

[ -e "$folder/server.crt" ] || sh "$here/mosquitto/certificates.sh" "$(hostname).local" >/dev/null
[ -s "$folder/secrets/backend" ] || sh "$here/mosquitto/users.sh" backend >/dev/null
[ -s "$folder/secrets/$gateway" ] || sh "$here/mosquitto/users.sh" "$gateway" >/dev/null

# An access list the shop changed is the shop's: the new one is laid beside it.
made=$(mktemp)
sed "s#/demo-chain/demo/#/$chain/$store/#; s#^user gw-1\$#user $gateway#; s#/gw-1/#/$gateway/#; s#/gw-1\$#/$gateway#" \
  "$here/mosquitto/acl" >"$made"
if [ ! -e "$folder/acl" ] || [ "$(md5sum <"$folder/acl")" = "$(cat "$folder/acl.made" 2>/dev/null)" ]; then
  install -m 600 "$made" "$folder/acl"
  md5sum <"$made" >"$folder/acl.made"
elif ! cmp -s "$made" "$folder/acl"; then
  install -m 600 "$made" "$folder/acl.new"
  echo "etalage: $folder/acl was changed by hand and stays; what these settings need is in $folder/acl.new" >&2
fi
rm -f "$made"
chown -R mosquitto: "$folder/acl" "$folder/passwords" "$folder/server.key"
chown mosquitto: "$folder"

if [ ! -e /etc/mosquitto/conf.d/etalage.conf ]; then
  install -m 644 "$here/mosquitto/mosquitto.conf" /etc/mosquitto/conf.d/etalage.conf
  install -m 644 "$here/mosquitto/this-box.conf" /etc/mosquitto/conf.d/etalage-this-box.conf
fi
install -m 400 -o etalage -g etalage "$folder/secrets/$gateway" /etc/etalage/mqtt-password
[ ! -d /run/systemd/system ] || deb-systemd-invoke restart mosquitto.service >/dev/null || true
