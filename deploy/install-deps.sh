#!/usr/bin/env bash
# Installs what nDB needs and this machine lacks, from the system's own packages (Debian 12 and 13).
# Does nothing, at once, when nothing is missing.
#   deploy/install-deps.sh [GROUP...]     groups of packages.txt; default: build test fast python
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
groups=" ${*:-build test fast python} "

say() { printf '%s\n' "$*" >&2; }

# The lines of the wanted groups that may be installed, as "group name|name".
wanted() {
  local group names
  while read -r group names; do
    case "$group" in '' | '#'*) continue ;; esac
    [[ $groups == *" $group "* ]] && printf '%s %s\n' "$group" "${names// /}"
  done <"$here/packages.txt"
  return 0
}

is_installed() { grep -qx "$1" <<<"$installed"; }
is_offered() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

any_installed() {
  local name
  for name in ${1//|/ }; do is_installed "$name" && return 0; done
  return 1
}

first_offered() {
  local name
  for name in ${1//|/ }; do is_offered "$name" && { printf '%s\n' "$name"; return 0; }; done
  return 1
}

missing() {
  local group names
  wanted | while read -r group names; do any_installed "$names" || printf '%s %s\n' "$group" "$names"; done
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  say "This script knows Debian's packages only. Install what deploy/packages.txt lists with your own package manager."
  exit 1
fi
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
lacking=$(missing)
[ -n "$lacking" ] || exit 0

# Nothing but a convenience is missing, and the system has none: no reason to ask it again each time.
only_conveniences() {
  local group names
  while read -r group names; do
    [ "$group" = fast ] && ! first_offered "$names" >/dev/null || return 1
  done <<<"$lacking"
}
[ -n "$(ls -A /var/lib/apt/lists 2>/dev/null)" ] && only_conveniences && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    say "These packages are missing, and this user can neither be root nor use sudo:"
    say "$lacking"
    exit 1
  fi
  as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"; }

say "Installing what is missing (once; this may take a few minutes) ..."
apt update >&2
names=()
while read -r group alternatives; do
  if name=$(first_offered "$alternatives"); then
    names+=("$name")
  elif [ "$group" != fast ]; then
    say "This system offers none of: ${alternatives//|/, }"
    exit 1
  fi
done <<<"$lacking"
[ "${#names[@]}" -gt 0 ] || exit 0
apt install -y --no-install-recommends "${names[@]}" >&2
say "Installed: ${names[*]}"
