#!/bin/sh
# remove: programs go, settings and data stay. purge: nothing of it is left, the kept versions and the broker's part included.
set -e
units="etalage.service etalage-backup.timer etalage-resume.service"
if [ "$1" = remove ]; then
  rm -rf /usr/lib/etalage
  for unit in $units; do deb-systemd-helper mask "$unit" >/dev/null || true; done
fi
if [ "$1" = purge ]; then
  for unit in $units; do
    deb-systemd-helper purge "$unit" >/dev/null || true
    deb-systemd-helper unmask "$unit" >/dev/null || true
  done
  rm -rf /usr/lib/etalage /etc/etalage /var/lib/etalage /var/lib/etalage-update
  rm -f /var/lib/systemd/timers/stamp-etalage-backup.timer
  if [ -e /etc/mosquitto/conf.d/etalage-this-box.conf ]; then
    rm -rf /etc/mosquitto/conf.d/etalage.conf /etc/mosquitto/conf.d/etalage-this-box.conf /etc/mosquitto/etalage
    [ ! -d /run/systemd/system ] || deb-systemd-invoke restart mosquitto.service >/dev/null 2>&1 || true
  fi
  userdel etalage 2>/dev/null || true
fi
[ ! -d /run/systemd/system ] || systemctl --system daemon-reload >/dev/null || true
