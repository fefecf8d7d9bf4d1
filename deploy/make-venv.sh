#!/bin/sh
# make-venv.sh PYTHON FOLDER: a virtual environment, also on a Debian that ships Python without python3-venv.
set -eu
python=$1 folder=$2
say() { printf '%s\n' "$*" >&2; }

command -v "$python" >/dev/null || { say "There is no $python here. Install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3"; exit 1; }
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
  say "Etalage needs Python 3.11 to 3.13; $python is $("$python" --version 2>&1). Name another: make PYTHON=/path/to/python3.11"; exit 1; }

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Installing Debian's python3-venv ..."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
  else
    say "Python's venv module is missing. Type this, then start again:   sudo apt install python3-venv"; exit 1
  fi
fi
"$python" -m venv "$folder"
