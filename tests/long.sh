#!/usr/bin/env bash
# The long variants: tests labelled `long`, and the random ones again with many more seeds.
#   tests/long.sh [SEEDS]     default 20 times the usual number; NDB_TEST_SEEDS multiplies what each random test does
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/install-deps.sh
cmake --preset release -DNDB_WERROR=ON >/dev/null
cmake --build --preset release
export NDB_TEST_SEEDS=${1:-${NDB_TEST_SEEDS:-20}}
echo "NDB_TEST_SEEDS=$NDB_TEST_SEEDS"
exec ctest --test-dir build/release --output-on-failure --no-tests=error -j "${NDB_TEST_JOBS:-$(nproc)}" --timeout 7200 -L 'long|random'
