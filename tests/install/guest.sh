#!/bin/sh
# Runs in the booted Debian, and says after each step what it found: `RESULT <step> <what>`. The packages lie beside it.
cd /test || exit 1
result() { echo "RESULT $*"; }
page() { # waits for the dashboard's page; prints how it answered
  n=0
  until answer=$(curl -s -o /tmp/page.html -w '%{http_code}' http://127.0.0.1:8080/claim) && [ "$answer" = 200 ] || [ $n -gt 120 ]; do
    sleep 0.5
    n=$((n + 1))
  done
  echo "$answer $(grep -c 'name="code"' /tmp/page.html)"
}
revision() { /usr/bin/python3 -c 'import sqlite3; print(sqlite3.connect("/var/lib/etalage/etalage.db").execute("select version_num from alembic_version").fetchone()[0])'; }
journal() { journalctl --no-pager -o cat -u etalage; }

ip link set lo up
dpkg -i first.deb && result install ok
result page "$(page)"
result service "$(systemctl is-active etalage) $(systemctl is-enabled etalage) $(systemctl is-active etalage-backup.timer)"
n=0; until journal | grep -q 'connected'  || [ $n -gt 40 ]; do sleep 0.5; n=$((n + 1)); done
result broker "$(systemctl is-active mosquitto) $(journal | grep -c 'connected .*_out')"
result code "$(journal | grep -c 'this box has no owner yet')"
anonymous=$(mosquitto_sub -h 127.0.0.1 -t '#' -W 2 2>&1 | head -1)
result anonymous "$anonymous"
result rights "$(stat -c '%U:%G:%a' /etc/etalage/etalage.toml /etc/etalage/mqtt-password /var/lib/etalage | tr '\n' ' ')"
systemctl start etalage-backup && result backup "$(find /var/lib/etalage/backups -name '*.backup.gz' | wc -l)"
result exposure "$(systemd-analyze security --no-pager 2>/dev/null | awk '/^etalage/ {print $1, $2}' | tr '\n' ' ')"

etalage doctor --json >/tmp/doctor.json
result doctor "$? $(/usr/bin/python3 -c 'import json; print(" ".join(f["about"] for f in json.load(open("/tmp/doctor.json")) if f["grade"] == "broken"))' 2>&1)"

systemctl stop etalage
su -s /bin/sh etalage -c 'cd /var/lib/etalage && etalage demo --minutes 0.5 --no-browser --json --shoppers 20 --port 0 >/tmp/demo.json 2>/tmp/demo.log'
result demo "$(/usr/bin/python3 -c 'import json; print(json.load(open("/tmp/demo.json"))["offers_announced"])' 2>&1 | tail -1) $(tail -1 /tmp/demo.log)"
systemctl start etalage

sed -i 's/^store = .*/store = "changed-by-the-shop"/' /etc/etalage/etalage.toml
before=$(revision)
etalage update broken.deb
refused=$?
result page-again "$(page)"
result broken "$refused $(etalage --version) $(revision) $(systemctl is-active etalage) $([ -e /var/lib/etalage-update/journal.json ] || echo done)"
etalage update second.deb && result upgrade ok
result page-after "$(page)"
result migrated "$before $(revision)"
result kept "$(ls /usr/lib/etalage/kept)"
result version "$(etalage --version)"
begun=$(cut -d. -f1 /proc/uptime)
etalage rollback >/dev/null 2>&1
result unwilling "$? $(etalage --version)"
etalage rollback --with-data >/dev/null && result rollback "$(etalage --version) $(revision) $(page) $(($(cut -d. -f1 /proc/uptime) - begun < 20))"
result settings "$(grep -c changed-by-the-shop /etc/etalage/etalage.toml)"

dpkg -r etalage >/dev/null && result remove "$([ -e /usr/bin/etalage ] || [ -e /usr/lib/etalage ] || echo gone) $(ls /var/lib/etalage/etalage.db)"
dpkg -P etalage >/dev/null && result purge "$(find / -xdev -name '*etalage*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/test/*' -not -name 'etalage-test*' 2>/dev/null | tr '\n' ' ')"
result account "$(getent passwd etalage)"
result mosquitto "$(systemctl is-active mosquitto)"
journal >/test/journal
