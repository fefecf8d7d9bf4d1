#!/bin/sh
# A client certificate, in place of a password, from the CA that certificates.sh made. Usage: client.sh USER
# The user's name in the access list is the certificate's common name.
set -eu
umask 077
folder="${ETALAGE_MOSQUITTO:-/etc/mosquitto/etalage}"
user="${1:-}"
case "$user" in "" | *[!a-z0-9_-]*) echo "client.sh: give a user of the access list: lower case, digits, - and _" >&2; exit 2 ;; esac
[ -f "$folder/private/ca.key" ] || { echo "client.sh: no CA in $folder; run certificates.sh first" >&2; exit 2; }
mkdir -p "$folder/secrets"
cd "$folder"
openssl req -newkey rsa:3072 -nodes -subj "/CN=$user" -keyout "secrets/$user.key" -out "private/$user.csr" 2>/dev/null
printf 'extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\nauthorityKeyIdentifier=keyid\n' >"private/$user.ext"
openssl x509 -req -in "private/$user.csr" -CA ca.crt -CAkey private/ca.key -CAcreateserial -days 825 \
    -extfile "private/$user.ext" -out "secrets/$user.crt" 2>/dev/null
echo "$folder/secrets/$user.crt and $user.key: give both to that user only"
