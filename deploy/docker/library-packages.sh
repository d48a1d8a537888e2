#!/bin/sh
# Prints the Debian packages that hold the shared libraries which these programs load, one a line.
#   library-packages.sh PROGRAM...
set -eu
libraries=$(ldd "$@" | awk '/not found/ { print "missing: " $1 > "/dev/stderr"; failed = 1 } $2 == "=>" && $3 ~ /^\// { print $3 } END { exit failed }')
for library in $(printf '%s\n' "$libraries" | sort -u); do
  # Since /usr was merged a library may be known under /lib or under /usr/lib.
  dpkg -S "$library" "/usr$library" "$(readlink -f "$library")" 2>/dev/null | sed -n '1s/:.*//p'
done | sort -u
