#!/usr/bin/env bash
# The long variants: tests labelled `long`, and the random ones again with many more seeds.
#   tests/long.sh [SEEDS]     seeds that each random test tries; default 100
# A failure prints its seed; NDB_TEST_SEED=<seed> runs the test with that one alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/install-deps.sh
cmake --preset release -DNDB_WERROR=ON >/dev/null
cmake --build --preset release
export NDB_TEST_SEEDS=${1:-${NDB_TEST_SEEDS:-100}}
echo "NDB_TEST_SEEDS=$NDB_TEST_SEEDS"
exec ctest --test-dir build/release --output-on-failure --no-tests=error -j "${NDB_TEST_JOBS:-$(nproc)}" --timeout 7200 -L 'long|random|model|process|crash'
