#!/usr/bin/env bash
# Builds the fuzz targets (clang 19, AddressSanitizer and UndefinedBehaviorSanitizer) and runs them one after another.
#   tests/fuzz.sh [SECONDS] [TARGET...]     default: 60 seconds each, all of tests/fuzz/
# Prints for each how often it ran, how much of the code it covers (libFuzzer's edges, and features) and what it found; fails if anything
# was found. New inputs go to build/fuzz/corpus/<target>/ and are the start of the next run; crashes to build/fuzz/crashes/.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
seconds=${1:-60}
shift || true
targets=("$@")
if [ "${#targets[@]}" = 0 ]; then
  for file in tests/fuzz/*_fuzz.cpp; do name=$(basename "$file"); targets+=("${name%_fuzz.cpp}"); done
fi
if ! command -v clang++-19 >/dev/null; then
  echo "tests/fuzz.sh: needs clang++-19 (Debian: clang-19 libclang-rt-19-dev)" >&2
  exit 1
fi
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset fuzz -DNDB_UNIT_TESTS=OFF -DNDB_EXAMPLES=OFF >build/fuzz-configure.log 2>&1 || { tail -n 30 build/fuzz-configure.log; exit 1; }
cmake --build --preset fuzz --target "${targets[@]/#/ndb_fuzz_}" || exit 1
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
failed=0
printf '%-12s %12s %10s %9s %8s  %s\n' target executions 'per s' edges features found
for target in "${targets[@]}"; do
  corpus=build/fuzz/corpus/$target crashes=build/fuzz/crashes/$target log=build/fuzz/$target.log
  mkdir -p "$corpus" "$crashes"
  "build/fuzz/tests/fuzz/ndb_fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$crashes/" "$corpus" "tests/fuzz/corpus/$target" >"$log" 2>&1
  code=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  last=$(grep -E ' cov: [0-9]+ ' "$log" | tail -n 1)
  edges=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' <<<"$last")
  features=$(sed -n 's/.* ft: \([0-9]*\).*/\1/p' <<<"$last")
  found=nothing
  if [ $code != 0 ]; then
    found="exit $code, see $log"
    failed=1
  fi
  printf '%-12s %12s %10s %9s %8s  %s\n' "$target" "${executions:-?}" "${rate:-?}" "${edges:-?}" "${features:-?}" "$found"
done
exit $failed
