#!/usr/bin/env bash
# The tests of the kernels, compiled for ARM64 and run under qemu-user: the only way to run the NEON table on x86-64.
#   tests/neon/run.sh SOURCE_DIR BINARY_DIR
# Exits 77 (skipped) where aarch64-linux-gnu-g++, qemu-aarch64 or the headers of Catch2 2 are missing.
set -euo pipefail
source_dir=$1 binary_dir=$2
for need in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v "$need" >/dev/null || { echo "skipped: no $need (packages g++-aarch64-linux-gnu and qemu-user)"; exit 77; }
done
[ -e /usr/include/catch2/catch.hpp ] || { echo "skipped: no header-only Catch2 (Debian 12 has it)"; exit 77; }
mkdir -p "$binary_dir/include"
ln -sfn /usr/include/catch2 "$binary_dir/include/catch2"  # alone: the other headers there are of another architecture
cd "$source_dir"
aarch64-linux-gnu-g++ -std=c++23 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror -static -I. -isystem "$binary_dir/include" \
  shared/simd/kernels.cpp shared/simd/kernels_scalar.cpp shared/simd/kernels_neon.cpp \
  tests/unit/shared/simd/kernels_test.cpp tests/unit/shared/simd/bit_kernels_test.cpp tests/support/catch_main.cpp \
  -o "$binary_dir/simd_neon_test"
exec qemu-aarch64 "$binary_dir/simd_neon_test"
