#!/bin/sh
# Before the new files: the version that works now is put aside whole, by hard links, so that there is a way back.
set -e
if [ "$1" = upgrade ] && [ -n "$2" ] && [ "$2" != "@VERSION@" ] && [ -d "/usr/lib/etalage/$2" ]; then
  rm -rf "/usr/lib/etalage/kept/$2"
  mkdir -p /usr/lib/etalage/kept
  cp -al "/usr/lib/etalage/$2" "/usr/lib/etalage/kept/$2"
fi
