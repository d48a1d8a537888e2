#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test; ends with ctest's summary and fails if anything failed.
#   tests/run.sh                  release with warnings as errors, then the fitting tests under the sanitizers
#   tests/run.sh --fast           release only
#   tests/run.sh --preset NAME    this preset only: debug, release, asan-ubsan or tsan (may be repeated)
#   tests/run.sh --within MIN     begins no further preset once MIN minutes are over, and says so
#   tests/run.sh --again          also repeats sanitizer runs whose programs have not changed since they passed
# NDB_TEST_DATA names a folder of real data sets for the tests that want one; they say that they skip without it.
# NDB_TEST_JOBS: how many tests run at once (default: the number of cores).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

presets=()
again=no
within=''
usage() { sed -n '2,9s/^# //p' tests/run.sh; }
while [ $# -gt 0 ]; do
  case "$1" in
    --fast) presets+=(release) ;;
    --preset) presets+=("${2:?--preset needs a name}"); shift ;;
    --within) within=${2:?--within needs minutes}; shift ;;
    --again) again=yes ;;
    -h | --help) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
[ "${#presets[@]}" -gt 0 ] || presets=(release asan-ubsan tsan)

jobs=${NDB_TEST_JOBS:-$(nproc)}
failed=()
summaries=()

say() { printf '\n== %s\n' "$*"; }
took() { printf '%d:%02d min' $(($1 / 60)) $(($1 % 60)); }

# Which tests a preset runs: under sanitizers those whose label says that it is worth the time.
selection() {
  case "$1" in
    asan-ubsan) echo "-LE long|recall|tidy|bench|external|planted|simulation" ;;
    tsan) echo "-L concurrency|ipc|live|daemon -LE long|tidy|bench|external" ;;
    *) echo "-LE long" ;;
  esac
}

build() {
  local preset=$1 log=build/$1/last-build.log
  mkdir -p "build/$preset"
  cmake --preset "$preset" -DNDB_WERROR=ON >"build/$preset/last-configure.log" 2>&1 ||
    { tail -n 40 "build/$preset/last-configure.log"; return 1; }
  local targets=()
  if [ "$preset" = tsan ]; then targets=(--target ndb_label_concurrency ndb_label_ipc ndb_label_live ndb_label_daemon); fi
  cmake --build --preset "$preset" "${targets[@]}" 2>&1 | tee "$log" | grep -vE '^\[[0-9]+/[0-9]+\] |^ninja: (Entering|no work)' | tail -n 60
  return "${PIPESTATUS[0]}"
}

unchanged() { [ "$again" = no ] && [ -f "build/$1/tests-passed" ] && grep -q '^ninja: no work to do' "build/$1/last-build.log"; }

run_tests() {
  local preset=$1 log=build/$1/last-test.log words
  read -ra words <<<"$(selection "$preset")"
  rm -f "build/$preset/tests-passed"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" "${words[@]}" 2>&1 | tee "$log"
  [ "${PIPESTATUS[0]}" = 0 ] || return 1
  date +%FT%T >"build/$preset/tests-passed"
}

summary_of() { sed -n '/tests passed, /,$p' "build/$1/last-test.log"; }

run_preset() {
  local preset=$1 start=$SECONDS built
  if [ -n "$within" ] && [ "$SECONDS" -ge $((within * 60)) ]; then
    rm -f "build/$preset/last-test.log"
    summaries+=("$preset: NOT RUN, $within minutes were over")
    return
  fi
  say "$preset: build"
  build "$preset" || { failed+=("$preset: build"); return; }
  built=$((SECONDS - start))
  if [ "$preset" != release ] && [ "$preset" != debug ] && unchanged "$preset"; then
    summaries+=("$preset: unchanged since its tests passed at $(cat "build/$preset/tests-passed")")
    return
  fi
  say "$preset: tests"
  start=$SECONDS
  run_tests "$preset" || failed+=("$preset: tests")
  summaries+=("$preset: built in $(took $built), tested in $(took $((SECONDS - start)))")
}

deploy/install-deps.sh || exit 1
# A clone in another folder compiles nothing anew that the cache knows.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-10G}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
for preset in "${presets[@]}"; do run_preset "$preset"; done

say "summary ($(took $SECONDS))"
[ "${#summaries[@]}" = 0 ] || printf '%s\n' "${summaries[@]}"
# The first preset runs all tests: its summary stands last.
for ((i = ${#presets[@]} - 1; i >= 0; i--)); do
  [ -f "build/${presets[i]}/last-test.log" ] && printf '\n%s\n' "${presets[i]}:" && summary_of "${presets[i]}"
done
[ "${#failed[@]}" = 0 ] && exit 0
printf '\nFAILED: %s\n' "${failed[@]}"
exit 1
