#!/usr/bin/env bash
# install.sh [--check]
# Installs, with apt-get, the Debian packages that building and recording guest programs and the whole test run need.
# Does nothing, quickly, when all are there. `--check` installs nothing and only says what is missing (status 1).
# Needs root (or sudo without a password) when something is to be installed.
set -euo pipefail

fail() { echo "install.sh: $*" >&2; exit 1; }

# A command that shows that a package is there, and the package that brings it.
commands=(
  qemu-riscv64:qemu-user
  qemu-system-riscv64:qemu-system-misc
  riscv64-linux-gnu-gcc:gcc-riscv64-linux-gnu
  gcc:gcc
  clang:clang
  wasm-ld:lld
  cpio:cpio
  xz:xz-utils
  flock:util-linux
)

missing=()
for pair in "${commands[@]}"; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
[ -e /usr/riscv64-linux-gnu/lib/libc.a ] || missing+=(libc6-dev-riscv64-cross)
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
[ -d /usr/include/wasm32-wasi ] || missing+=(wasi-libc)
# The runtime for clang's wasm target is packaged per major version of LLVM: take that of the clang that is, or would be, installed.
compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/wasi*/libclang_rt.builtins-wasm32.a' >/dev/null ||
  compgen -G '/usr/lib/clang/*/lib/wasi*/libclang_rt.builtins-wasm32.a' >/dev/null || missing+=(libclang-rt-dev-wasm32)

[ ${#missing[@]} -gt 0 ] || exit 0
[ "${1:-}" != --check ] || fail "missing packages: ${missing[*]}"
command -v apt-get >/dev/null || fail "apt-get is not here; install by other means: ${missing[*]}"

root=()
if [ "$(id -u)" != 0 ]; then
  { command -v sudo >/dev/null && sudo -n true 2>/dev/null; } || fail "must be root, or sudo without a password, to install: ${missing[*]}"
  root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"; }

apt update || fail "apt-get update failed"
names=()
for name in "${missing[@]}"; do
  if [ "$name" = libclang-rt-dev-wasm32 ]; then
    major=$(apt-cache depends clang | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p' | head -1)
    [ -n "$major" ] || fail "cannot tell which LLVM version the package clang brings"
    name=libclang-rt-$major-dev-wasm32
  fi
  names+=("$name")
done
apt install -y --no-install-recommends "${names[@]}" >&2 || fail "apt-get could not install: ${names[*]}"
