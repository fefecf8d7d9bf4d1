#!/bin/sh
# A CA of your own, and a certificate for the broker's host name. Usage: certificates.sh HOST
# The CA's key stays in this folder's private/: keep it, for the next certificate, away from the shop floor.
set -eu
umask 077
folder="${ETALAGE_MOSQUITTO:-/etc/mosquitto/etalage}"
host="${1:-}"
[ -n "$host" ] || { echo "certificates.sh: give the broker's host name, as the gateway's settings name it" >&2; exit 2; }
mkdir -p "$folder/private"
cd "$folder"
if [ ! -f private/ca.key ]; then
    openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj "/CN=Etalage shop CA" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout private/ca.key -out ca.crt 2>/dev/null
fi
case "$host" in *[!0-9.]*) name="DNS:$host" ;; *) name="IP:$host" ;; esac
openssl req -newkey rsa:3072 -nodes -subj "/CN=$host" -keyout server.key -out private/server.csr 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nauthorityKeyIdentifier=keyid\n' "$name" >private/server.ext
openssl x509 -req -in private/server.csr -CA ca.crt -CAkey private/ca.key -CAcreateserial -days 825 \
    -extfile private/server.ext -out server.crt 2>/dev/null
chmod 644 ca.crt server.crt
if id mosquitto >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    chown mosquitto: "$folder" server.key
fi
echo "CA: $folder/ca.crt (give this one to the gateway and the backend); certificate of $host: $folder/server.crt"
