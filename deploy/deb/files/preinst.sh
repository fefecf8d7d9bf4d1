#!/bin/sh
# Before the new files: the version that works now is put aside whole, by hard links, so that there is a way back.
set -e
if [ "$1" = upgrade ] && [ -n "$2" ] && [ "$2" != "@VERSION@" ] && [ "$(readlink /usr/lib/etalage/current)" = "$2" ]; then
  # During `etalage update`, and after a roll-back, a kept version runs, and this isn't it.
  rm -rf /usr/lib/etalage/kept
  mkdir /usr/lib/etalage/kept
  cp -al "/usr/lib/etalage/$2" "/usr/lib/etalage/kept/$2"
fi
