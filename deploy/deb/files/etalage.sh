#!/bin/sh
# The command of the version this file lies in, wherever that was moved to (a kept version runs from its own place).
here=$(dirname "$(readlink -f "$0")")
exec "$here/python3" -I -m gateway "$@"
