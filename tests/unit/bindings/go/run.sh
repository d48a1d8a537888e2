#!/usr/bin/env bash
# Vets, formats and tests the Go package, with the race detector where there is one.   run.sh GO FOLDER
set -euo pipefail
go=$1
cd "$2"
unformatted=$("$(dirname "$(readlink -f "$go")")/gofmt" -l .)
[ -z "$unformatted" ] || { echo "gofmt would change $unformatted"; exit 1; }
"$go" vet ./...
race=(-race)
if ! "$go" test -race -run '^$' ./... >/dev/null 2>&1; then
  echo "The race detector does not work here: without it"
  race=()
fi
exec "$go" test -count=1 "${race[@]}" -v ./...
