#!/bin/sh
# install.sh [PYTHON]: puts this checkout on a Debian or Raspberry Pi OS box as a service. Run as root; run again to upgrade.
# It makes: user etalage, /opt/etalage (code), /etc/etalage (settings, kept on upgrade), /var/lib/etalage (data), the systemd unit.
set -eu
python=${1:-python3}
here=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "Run this as root:   sudo $0" >&2; exit 1; }

getent passwd etalage >/dev/null || useradd --system --home-dir /var/lib/etalage --shell /usr/sbin/nologin etalage
install -d -m 755 /opt/etalage
install -d -m 750 -o root -g etalage /etc/etalage
for part in gateway rules firmware_sim docs; do
  rm -rf "/opt/etalage/$part"
  cp -r "$here/$part" /opt/etalage/
done
cp "$here/pyproject.toml" "$here/README.md" "$here/LICENSE" /opt/etalage/

[ -x /opt/etalage/.venv/bin/python ] || "$here/deploy/make-venv.sh" "$python" /opt/etalage/.venv
/opt/etalage/.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$here/deploy/requirements.txt"
/opt/etalage/.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e /opt/etalage

for file in etalage.toml plan.yaml rules.yaml; do
  [ -e "/etc/etalage/$file" ] || install -m 640 -o root -g etalage "$here/deploy/$file" "/etc/etalage/$file"
done
install -m 644 "$here/deploy/systemd/etalage.service" /etc/systemd/system/etalage.service
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable --quiet etalage
fi
ln -sf /opt/etalage/.venv/bin/etalage /usr/local/bin/etalage

cat <<TEXT
Etalage is installed. Next:
  1. edit /etc/etalage/etalage.toml and /etc/etalage/plan.yaml
  2. etalage settings --check /etc/etalage/etalage.toml
  3. systemctl restart etalage      (what it says: journalctl -u etalage -f)
TEXT
