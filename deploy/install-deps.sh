#!/usr/bin/env bash
# Installs what nDB needs and this machine lacks, from the system's own packages (Debian 12 and 13).
# Does nothing, at once, when nothing is missing.
#   deploy/install-deps.sh [GROUP...]     groups of packages.txt; default: build test fast python node go
# What is missing of the groups fast, node and go is said and is no failure: without it builds are slower, or a package is not built and its
# tests say that they skip.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$here")
groups=" ${*:-build test fast python node go} "
optional=" fast node go "

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

is_file() { [[ $1 == */* ]]; }
is_installed() { if is_file "$1"; then (cd "$top" && [ -e "$1" ]); else grep -qx "$1" <<<"$installed"; fi; }
is_offered() { ! is_file "$1" && [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }
is_optional() { [[ $optional == *" $1 "* ]]; }

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

# Nothing is missing but what is optional and not offered here: no reason to ask the system again each time.
nothing_to_get() {
  local group names
  while read -r group names; do
    is_optional "$group" && ! first_offered "$names" >/dev/null || return 1
  done <<<"$lacking"
}
[ -n "$(ls -A /var/lib/apt/lists 2>/dev/null)" ] && nothing_to_get && exit 0

only_optional() {
  local group names
  while read -r group names; do is_optional "$group" || return 1; done <<<"$lacking"
}

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    say "These packages are missing, and this user can neither be root nor use sudo:"
    say "$lacking"
    only_optional && exit 0
    exit 1
  fi
  as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"; }
install() { apt install -y --no-install-recommends "$@" >&2 && say "Installed: $*"; }

# Headers alone, unpacked where the build looks for them: beside a Node that is not Debian's own, its packages cannot be installed.
unpack_addon_api() {
  local folder=$top/build/deps
  mkdir -p "$folder"
  (cd "$folder" && apt-get -qq download node-addon-api && dpkg-deb -x node-addon-api_*.deb .) && say "Unpacked: node-addon-api, in build/deps"
}

say "Installing what is missing (once; this may take a few minutes) ..."
apt update >&2
required=() of_node=() of_go=()
while read -r group alternatives; do
  if name=$(first_offered "$alternatives"); then
    case "$group" in
      node) of_node+=("$name") ;;
      go) of_go+=("$name") ;;
      *) required+=("$name") ;;
    esac
  elif is_optional "$group"; then
    [ "$group" = fast ] || say "This system offers none of: ${alternatives//|/, }; the $group package is not built"
  else
    say "This system offers none of: ${alternatives//|/, }"
    exit 1
  fi
done <<<"$lacking"
[ "${#required[@]}" = 0 ] || install "${required[@]}"
if [ "${#of_node[@]}" -gt 0 ] && ! install "${of_node[@]}"; then
  [[ " ${of_node[*]} " == *" node-addon-api "* ]] && unpack_addon_api || say "NOT installed: ${of_node[*]}; the Node package is not built"
fi
[ "${#of_go[@]}" = 0 ] || install "${of_go[@]}" || say "NOT installed: ${of_go[*]}; the Go package is not tested"
