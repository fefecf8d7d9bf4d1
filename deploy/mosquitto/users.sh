#!/bin/sh
# Make one user per name, each with a long random password that nobody has to remember.
# Usage: users.sh NAME...      ETALAGE_MOSQUITTO names another folder than /etc/mosquitto/etalage (the tests use it).
set -eu
umask 077
folder="${ETALAGE_MOSQUITTO:-/etc/mosquitto/etalage}"
[ $# -gt 0 ] || { echo "users.sh: give the names of the users, as in: users.sh gw-1 backend" >&2; exit 2; }
mkdir -p "$folder/secrets"
touch "$folder/passwords"
for name in "$@"; do
    case "$name" in *[!a-z0-9_-]*) echo "users.sh: $name may hold a-z, 0-9, _ and - only" >&2; exit 2 ;; esac
    openssl rand -base64 24 >"$folder/secrets/$name"
    # mosquitto_passwd takes a password as an argument or from a terminal; an argument is seen by all in the process list.
    # So the plain text goes into a file only we can read, and is hashed there.
    printf '%s:%s\n' "$name" "$(cat "$folder/secrets/$name")" >"$folder/new"
    mosquitto_passwd -U "$folder/new"
    grep -v "^$name:" "$folder/passwords" >"$folder/kept" || true
    cat "$folder/kept" "$folder/new" >"$folder/passwords"
    rm -f "$folder/new" "$folder/kept"
    echo "user $name: password in $folder/secrets/$name"
done
if id mosquitto >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    chown mosquitto: "$folder" "$folder/passwords"
fi
