#!/usr/bin/env bash
# The long variants: tests labelled `long`, and the random ones again with many more seeds.
#   tests/long.sh [SEEDS]     seeds that each random test tries; default 100. The simulation: 200 times as many, fresh ones each time.
# A failure prints its seed; NDB_TEST_SEED=<seed> runs the test with that one alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/install-deps.sh
cmake --preset release -DNDB_WERROR=ON >/dev/null
cmake --build --preset release
export NDB_TEST_SEEDS=${1:-${NDB_TEST_SEEDS:-100}}
echo "NDB_TEST_SEEDS=$NDB_TEST_SEEDS"
run() { ctest --test-dir build/release --output-on-failure --no-tests=error -j "${NDB_TEST_JOBS:-$(nproc)}" "$@"; }
failed=0
run --timeout 7200 -L 'long|random|model|process|crash' || failed=1
export NDB_TEST_SEEDS=$((NDB_TEST_SEEDS * 200)) NDB_TEST_FIRST_SEED=${NDB_TEST_FIRST_SEED:-$(date +%s)000000}
echo "simulation: NDB_TEST_SEEDS=$NDB_TEST_SEEDS NDB_TEST_FIRST_SEED=$NDB_TEST_FIRST_SEED"
run --timeout 86400 -R '^simulation$' || failed=1
exit "$failed"
