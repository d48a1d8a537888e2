#!/usr/bin/env bash
# From a fresh clone to a running nDB with something in it: one writer, two readers, real text, and searches while more is
# being written. Everything stays inside this folder and on this machine (127.0.0.1).
#   deploy/quickstart.sh          installs what is missing, builds, starts, ingests, searches; again: takes seconds
#   deploy/quickstart.sh stop     stops the three processes; what was written stays
#   deploy/quickstart.sh clean    stops them and deletes what they wrote
# NDB_QUICKSTART_DIR: where data and logs go (default build/quickstart-run).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/quickstart
run=$(realpath -m "${NDB_QUICKSTART_DIR:-build/quickstart-run}")
roles=(writer reader1 reader2)
case "${1:-}" in -h | --help) sed -n '2,7s/^# //p' deploy/quickstart.sh; exit 0 ;; '' | stop | clean) ;;
*) echo "quickstart: unknown word '$1' (try --help)" >&2; exit 2 ;; esac

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
die() { printf '\nquickstart: %s\n' "$*" >&2; exit 1; }

pid_of() { cat "$run/$1.pid" 2>/dev/null || echo 0; }
port_of() { cat "$run/$1.port" 2>/dev/null || echo 0; }
url_of() { echo "http://127.0.0.1:$(port_of "$1")"; }

# Ours, and not another process that got the same number since.
runs() {
  local pid
  pid=$(pid_of "$1")
  [ "$pid" -gt 0 ] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "--data-dir $run/data"
}

stop_all() {
  local role stopped=()
  for role in reader2 reader1 writer; do
    runs "$role" && kill "$(pid_of "$role")" 2>/dev/null && stopped+=("$role")
  done
  for role in "${stopped[@]}"; do
    for _ in $(seq 300); do runs "$role" || break; sleep 0.1; done
    runs "$role" && die "$role (pid $(pid_of "$role")) does not stop; its log: $run/$role.log"
  done
  rm -f "$run"/*.pid "$run"/*.port
  [ "${#stopped[@]}" -gt 0 ] && echo "stopped: ${stopped[*]}" || echo "nothing was running"
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first port from $1 on that is free and not promised to another role.
choose_port() {
  local port
  for ((port = $1; port < $1 + 200; port++)); do
    grep -qxs "$port" "$run"/*.port && continue
    port_is_free "$port" && { echo "$port"; return; }
  done
  die "no free port between $1 and $port"
}

# GET path: succeeds on status 200.
is_ok() {
  local status
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
  read -r -t 5 _ status _ <&3 || status=0
  exec 3>&-
  [ "$status" = 200 ]
}

start() {
  local role=$1 program=$2 port=$3
  shift 3
  if runs "$role"; then return; fi
  rm -f "$run/$role.port"
  port=$(choose_port "$port")
  # nohup: they go on when this terminal is closed.
  nohup "$build/$program" --data-dir "$run/data" --listen "127.0.0.1:$port" "$@" >"$run/$role.log" 2>&1 </dev/null &
  echo $! >"$run/$role.pid"
  echo "$port" >"$run/$role.port"
}

wait_ready() {
  local role=$1
  for _ in $(seq 300); do
    is_ok "$(port_of "$role")" /readyz 2>/dev/null && return
    runs "$role" || { tail -n 15 "$run/$role.log" >&2; die "$role ended at its start; its log is above ($run/$role.log)"; }
    sleep 0.1
  done
  tail -n 15 "$run/$role.log" >&2
  die "$role is not ready after 30 s; its log is above ($run/$role.log)"
}

build_all() {
  local log=$build/build.log targets=(ndb-writer ndb-reader ndb text_search)
  mkdir -p "$build"
  if ! cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DNDB_TESTS=OFF >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "the build could not be configured; all of it: $log"
  fi
  if [ -t 1 ]; then
    cmake --build "$build" --target "${targets[@]}" || die "the build failed"
  elif ! cmake --build "$build" --target "${targets[@]}" >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "the build failed; all of it: $log"
  fi
  # One place for the programs, wherever the build puts them.
  local target path
  for target in "${targets[@]}"; do
    path=$(find "$build" -type f -name "$target" -perm -u+x -not -path '*/CMakeFiles/*' -not -path "$build/$target" -print -quit)
    [ -z "$path" ] || ln -sfn "$(realpath "$path")" "$build/$target"
    [ -x "$build/$target" ] || die "the build made no $target"
  done
}

# search ROLE MIN_SEQ WORDS...
search() {
  local role=$1 seq=$2
  shift 2
  printf '\n%s"%s"%s asked of %s\n' "$bold" "$*" "$plain" "$role"
  "$build/text_search" search "$@" --min-seq "$seq" --url "$(url_of "$role")" || die "$role could not answer"
}

# texts FOLDERS... [FIND'S TESTS...]
texts() { find "$@" -type f -size -400k 2>/dev/null | sort; }

case "${1:-}" in
  stop) stop_all; exit 0 ;;
  clean) stop_all; rm -rf "$run"; echo "deleted: $run"; exit 0 ;;
esac

started=$SECONDS
step "1. Packages and programs"
deploy/install-deps.sh build fast || die "packages are missing; deploy/packages.txt lists them"
build_all
note "built: ndb-writer, ndb-reader, ndb and the example text_search, in $build"

step "2. One writer, two readers, one folder"
mkdir -p "$run/data"
start writer ndb-writer 7700
wait_ready writer
start reader1 ndb-reader 7701 --writer-url "$(url_of writer)"
start reader2 ndb-reader 7702 --writer-url "$(url_of writer)"
for role in "${roles[@]}"; do
  wait_ready "$role"
  printf '  %-8s %s  (pid %s)\n' "$role" "$(url_of "$role")" "$(pid_of "$role")"
done

step "3. Real text: this system's licences"
mapfile -t licences < <(texts /usr/share/common-licenses)
mapfile -t own < <(texts README.md CHANGELOG.md docs; texts shared ipc writer reader -name '*.hpp')
[ "${#licences[@]}" -gt 0 ] || licences=(LICENSE)
printf '  '
"$build/text_search" ingest "${licences[@]}" --url "$(url_of writer)" || die "the writer took nothing; its log: $run/writer.log"

step "4. Searches through the readers, while this project's own pages and headers are being written"
"$build/text_search" ingest "${own[@]}" --url "$(url_of reader1)" >"$run/ingest.log" 2>&1 &
ingest=$!
seqs=()
while kill -0 "$ingest" 2>/dev/null; do
  seqs+=("$("$build/text_search" search warranty --url "$(url_of reader2)" | sed -n 's/.*at seq \([0-9]*\).*/\1/p')")
done
wait "$ingest" || { cat "$run/ingest.log" >&2; die "the second ingest failed"; }
printf '  %s\n' "$(cat "$run/ingest.log")"
[ "${#seqs[@]}" = 0 ] ||
  printf '  meanwhile reader2 answered %d searches, the first at seq %s, the last at seq %s\n' "${#seqs[@]}" "${seqs[0]}" "${seqs[-1]}"
search reader1 0 no warranty of any kind
search reader2 0 patent licence granted by contributors
seq=$(sed -n 's/.*(seq \([0-9]*\)).*/\1/p' "$run/ingest.log")
search reader2 "${seq:-0}" what happens when the writer is killed

cat <<END

${bold}It runs.${plain} ($((SECONDS - started)) s)  Go on with, for example:
  $build/text_search search how are files kept on disk --url $(url_of reader2)
  $build/text_search ingest FILES... --url $(url_of writer)
  $build/ndb list --url $(url_of reader1)
  $build/ndb stats texts --url $(url_of reader1)
Stop it:   deploy/quickstart.sh stop      (what was written stays in ${run#"$PWD/"}; 'clean' deletes that too)
END
