#!/usr/bin/env bash
# Builds the fuzz targets (clang 19, AddressSanitizer and UndefinedBehaviorSanitizer) and only the libraries that they need, and runs them.
#   tests/fuzz.sh [SECONDS] [TARGET...]     default: 60 seconds each, all of tests/fuzz/
#   tests/fuzz.sh --merge [TARGET...]       puts what runs found into tests/fuzz/corpus/<target>/found.pack, as few inputs as cover it all
# Prints for each how often it ran, how much of the code it covers (libFuzzer's edges, and features) and what it found; fails if anything
# was found. New inputs go to build/fuzz/corpus/<target>/ and are the start of the next run; crashes to build/fuzz/crashes/<target>/.
# NDB_FUZZ_JOBS: how many targets run at once (default 1); they run with nice 10.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

mode=run seconds=60
if [ "${1:-}" = --merge ]; then mode=merge; shift; fi
if [[ ${1:-} =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
targets=("$@")
if [ "${#targets[@]}" = 0 ]; then
  for file in tests/fuzz/*_fuzz.cpp; do name=$(basename "$file"); targets+=("${name%_fuzz.cpp}"); done
fi
if ! command -v clang++-19 >/dev/null; then
  echo "tests/fuzz.sh: needs clang++-19 (Debian: clang-19 libclang-rt-19-dev)" >&2
  exit 1
fi

# Longer inputs than these find nothing that shorter ones do not, and take their time.
max_len() {
  case "$1" in
    segment | hnsw | delete_set) echo 16384 ;;
    http | wal | manifest) echo 8192 ;;
    *) echo 4096 ;;
  esac
}

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
mkdir -p build
cmake --preset fuzz >build/fuzz-configure.log 2>&1 || { tail -n 30 build/fuzz-configure.log; exit 1; }
cmake --build --preset fuzz --target "${targets[@]/#/ndb_fuzz_}" || exit 1
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
program() { echo "build/fuzz/tests/fuzz/ndb_fuzz_$1"; }

# What earlier runs found is the start of the next one.
unpack() {
  local pack=tests/fuzz/corpus/$1/found.pack
  mkdir -p "build/fuzz/corpus/$1" "build/fuzz/crashes/$1"
  [ ! -f "$pack" ] || python3 tests/fuzz/pack.py unpack "$pack" "build/fuzz/corpus/$1"
}

merge_one() {
  local target=$1 named=build/fuzz/merge/$1/named least=build/fuzz/merge/$1/least
  rm -rf "build/fuzz/merge/$target"
  mkdir -p "$named" "$least"
  unpack "$target"
  find "tests/fuzz/corpus/$target" -type f ! -name found.pack -exec cp {} "$named" \;
  "$(program "$target")" -set_cover_merge=1 -max_len="$(max_len "$target")" -rss_limit_mb=4096 "$least" "$named" "build/fuzz/corpus/$target" \
    >"build/fuzz/$target-merge.log" 2>&1 || { tail -n 5 "build/fuzz/$target-merge.log"; return 1; }
  python3 tests/fuzz/pack.py pack "$least" "tests/fuzz/corpus/$target/found.pack"
  echo "$target: $(find "$least" -type f | wc -l) inputs, $(stat -c %s "tests/fuzz/corpus/$target/found.pack") bytes"
}

run_one() {
  local target=$1 log=build/fuzz/$1.log
  unpack "$target"
  nice -n 10 "$(program "$target")" -max_total_time="$seconds" -max_len="$(max_len "$target")" -timeout=300 -rss_limit_mb=4096 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$target/" "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1
  echo $? >"$log.exit"
}

report_one() {
  local target=$1 log=build/fuzz/$1.log code last found=nothing
  code=$(cat "$log.exit")
  last=$(grep -E ' cov: [0-9]+ ' "$log" | tail -n 1)
  [ "$code" = 0 ] || found="exit $code, see $log"
  printf '%-12s %12s %9s %8s  %s\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' <<<"$last")" "$(sed -n 's/.* ft: \([0-9]*\).*/\1/p' <<<"$last")" "$found"
  [ "$code" = 0 ]
}

failed=0
if [ "$mode" = merge ]; then
  for target in "${targets[@]}"; do merge_one "$target" || failed=1; done
  exit $failed
fi
printf '%-12s %12s %9s %8s  %s\n' target executions edges features found
running=()
for target in "${targets[@]}"; do
  run_one "$target" &
  running+=("$target:$!")
  if [ "${#running[@]}" -ge "${NDB_FUZZ_JOBS:-1}" ]; then
    for one in "${running[@]}"; do wait "${one#*:}"; report_one "${one%:*}" || failed=1; done
    running=()
  fi
done
for one in "${running[@]}"; do wait "${one#*:}"; report_one "${one%:*}" || failed=1; done
exit $failed
