#!/usr/bin/env bash
# The long variants: tests labelled `long`, and the random ones again with many more seeds.
#   tests/long.sh [SEEDS] [CTEST ARGUMENT…]       each random test tries SEEDS seeds, from 1 on; default 100
#   tests/long.sh --hours N [CTEST ARGUMENT…]     again and again, with seeds that were never tried, for N hours or until one fails
# CTEST ARGUMENTs choose other tests than all of these: tests/long.sh --hours 8 -R crash_states
# A failure prints its seed; NDB_TEST_SEED=<seed> runs the test with that one alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
hours=0
if [ "${1:-}" = --hours ]; then
  hours=${2:?--hours needs a number}
  shift 2
  export NDB_TEST_SEEDS=${NDB_TEST_SEEDS:-5}
elif [[ ${1:-} =~ ^[0-9]+$ ]]; then
  export NDB_TEST_SEEDS=$1
  shift
else
  export NDB_TEST_SEEDS=${NDB_TEST_SEEDS:-100}
fi
[ $# -gt 0 ] || set -- -L 'long|random|model|process|crash|simulation|fuzz'

deploy/install-deps.sh
cmake --preset release -DNDB_WERROR=ON >/dev/null
cmake --build --preset release
run() {
  echo "NDB_TEST_SEEDS=$NDB_TEST_SEEDS NDB_TEST_FIRST_SEED=${NDB_TEST_FIRST_SEED:-1}"
  ctest --test-dir build/release --output-on-failure --no-tests=error -j "${NDB_TEST_JOBS:-$(nproc)}" --timeout 7200 "$@"
}
until=$((SECONDS + hours * 3600))
while :; do
  if [ "$hours" != 0 ]; then
    NDB_TEST_FIRST_SEED=$((16#$(od -An -N4 -tx4 /dev/urandom | tr -d ' ') + 1))
    export NDB_TEST_FIRST_SEED
  fi
  run "$@"
  [ "$SECONDS" -lt "$until" ] || exit 0
done
