#!/bin/sh
# What Debian's helpers would write (dh_installsystemd, dh_installsysusers, dh_installtmpfiles), by hand: this package is built without them.
set -e
home=/usr/lib/etalage
units="etalage.service etalage-backup.timer etalage-resume.service"

configure() { # $1: the version before, empty for a first installation
  systemd-sysusers etalage.conf
  # What deploy/install.sh of 0.1 made would hide the package's own service and command. Its settings and data are the same.
  if grep -qs /opt/etalage/.venv /etc/systemd/system/etalage.service; then
    rm -f /etc/systemd/system/etalage.service /usr/local/bin/etalage
    echo "etalage: the service from /opt/etalage is replaced by this package's; /opt/etalage can be deleted" >&2
  fi
  systemd-tmpfiles --create etalage.conf || [ -d /var/lib/etalage ]
  ln -sfn "@VERSION@" $home/current.new
  mv -T $home/current.new $home/current
  first=
  for file in etalage.toml plan.yaml rules.yaml; do
    [ -e /etc/etalage/$file ] && continue
    install -m 640 -o root -g etalage /usr/share/etalage/examples/$file /etc/etalage/$file
    [ $file != etalage.toml ] || first=yes
  done
  if [ -n "$first" ]; then
    sh /usr/share/etalage/broker.sh
    [ ! -e /etc/etalage/mqtt-password ] || [ ! -e /etc/mosquitto/conf.d/etalage.conf ] ||
      sed -i 's#^\[mqtt\]$#[mqtt]\nuser = "gw-1"                        \# at the broker: the id of this box\npassword_file = "mqtt-password"#' \
        /etc/etalage/etalage.toml
  fi
}

start() { # $1: the version before
  for unit in $units; do
    deb-systemd-helper unmask "$unit" >/dev/null || true
    if deb-systemd-helper --quiet was-enabled "$unit"; then
      deb-systemd-helper enable "$unit" >/dev/null || true
    else
      deb-systemd-helper update-state "$unit" >/dev/null || true
    fi
  done
  [ -d /run/systemd/system ] || return 0
  systemctl --system daemon-reload >/dev/null || true
  if [ -z "$1" ]; then
    deb-systemd-invoke restart bluetooth.service >/dev/null 2>&1 || true # it takes over its drop-in
    deb-systemd-invoke start etalage.service etalage-backup.timer >/dev/null || true
  else
    deb-systemd-invoke restart etalage.service etalage-backup.timer >/dev/null || true
  fi
}

case "$1" in
configure)
  configure "$2"
  start "$2"
  ;;
abort-upgrade | abort-remove | abort-deconfigure) start "$2" ;;
esac
