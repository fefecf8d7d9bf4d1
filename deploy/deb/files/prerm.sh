#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop etalage-backup.timer etalage.service >/dev/null || true
fi
