#!/usr/bin/env bash
# root.sh OUTDIR PACKAGE...
# Unpacks a riscv64 root file system from Debian trixie into OUTDIR: the packages and all they depend on. No maintainer
# script is run, so nothing of it is executed on this machine, and root rights are not needed.
#
# apt itself resolves and verifies, with a private state that leaves the host's apt alone. The mirror is the first one in
# the host's apt configuration, or ASHLAR_DEBIAN_MIRROR. OUTDIR/.packages lists name, version and SHA-256 of each package
# and is written last: an OUTDIR that has one is complete. An existing complete OUTDIR for the same packages is left as it is.
# Cache: $ASHLAR_CACHE/debian (default ~/.cache/ashlar/debian). Needs a Debian host with apt, dpkg-deb and the keyring.
#
#   root.sh /tmp/busybox busybox-static
#   root.sh /tmp/core bash coreutils grep sed gawk findutils tar gzip
set -euo pipefail

fail() { echo "root.sh: $*" >&2; exit 1; }
[ $# -ge 2 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for tool in apt-get apt-cache dpkg-deb flock; do command -v "$tool" >/dev/null || fail "needs $tool (a Debian host)"; done
[ -r "$keyring" ] || fail "needs the package debian-archive-keyring ($keyring)"

out=$(realpath -m "$1"); shift
wanted="$*"
[ "$(cat "$out/.wanted" 2>/dev/null || true)" != "$wanted" ] || [ ! -s "$out/.packages" ] || exit 0

cache=${ASHLAR_CACHE:-$HOME/.cache/ashlar}/debian
apt=$cache/apt; debs=$cache/debs
mkdir -p "$apt"/etc/{apt.conf.d,preferences.d} "$apt"/state/lists/partial "$apt"/cache/archives/partial "$debs"
exec 9>"$cache/lock"
flock 9 # one apt at a time

mirror=${ASHLAR_DEBIAN_MIRROR:-}
[ -n "$mirror" ] || mirror=$(grep -hs '^URIs:' /etc/apt/sources.list.d/*.sources | awk 'NR==1 { print $2 }' || true)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true)
[ -n "$mirror" ] || fail "no Debian mirror in apt's configuration: set ASHLAR_DEBIAN_MIRROR to its URL"

cat >"$apt/etc/trixie.sources" <<CONF
Types: deb
URIs: $mirror
Suites: trixie
Components: main
Architectures: riscv64
Signed-By: $keyring
CONF
touch "$apt/status"
cat >"$apt/apt.conf" <<CONF
APT::Architecture "riscv64";
APT::Architectures { "riscv64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Retries "3";
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/etc";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferencesparts "$apt/etc/preferences.d";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
CONF
# The host's proxy settings hold for the private state too.
apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|ftp)::Proxy' >>"$apt/apt.conf" || true
export APT_CONFIG=$apt/apt.conf

refresh() { apt-get -qq update >&2 && date >"$apt/updated"; }
[ -s "$apt/updated" ] || refresh || fail "apt-get update failed for the mirror in use"

# What only serves a machine that boots and is administered; a package named on the command line is always kept.
skip='debconf|cdebconf|systemd|systemd-sysv|dpkg|adduser|passwd|mount|init-system-helpers|ca-certificates|ca-certificates-java|java-common|ssl-cert|logrotate|lsb-base|sysvinit-utils|sensible-utils|ucf|libpam-modules|libpam-modules-bin|libpam-runtime|base-passwd|login.defs|initramfs-tools|initramfs-tools-core|linux-base|kmod|dracut|dracut-core'
resolve() {
  list=()
  local name version
  while read -r name version; do
    name=${name%%:*}
    if [[ " $wanted " == *" $name "* || ! $name =~ ^($skip)$ ]]; then list+=("$name=$version"); fi
  done < <(apt-get -qq -s install $wanted 2>/dev/null | awk '$1 == "Inst" { gsub(/[(]/, "", $3); print $2, $3 }')
  [ ${#list[@]} -gt 0 ]
}
deb() { printf '%s/%s_%s_*.deb' "$debs" "${1%%=*}" "$(sed 's/:/%3a/g' <<<"${1#*=}")"; }
fetch() {
  local entry absent=()
  for entry in "${list[@]}"; do compgen -G "$(deb "$entry")" >/dev/null || absent+=("$entry"); done
  [ ${#absent[@]} = 0 ] || (cd "$debs" && apt-get -qq download "${absent[@]}" >&2)
}
# An index from an earlier day may name versions that the mirror no longer has: refresh once and try again.
{ resolve && fetch; } || { refresh && resolve && fetch; } || fail "apt could not resolve or fetch: $wanted"

new=$out.new.$$
trap 'rm -rf "$new"' EXIT
mkdir -p "$new"/usr/{bin,sbin,lib} "$new"/{tmp,proc,dev,root,run,etc,var/tmp}
for d in bin sbin lib; do ln -s "usr/$d" "$new/$d"; done
for entry in "${list[@]}"; do
  file=$(compgen -G "$(deb "$entry")" | head -1)
  dpkg-deb --fsys-tarfile "$file" | tar -x -C "$new" --keep-directory-symlink --no-same-owner \
    --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./usr/share/info
  echo "${entry%%=*} ${entry#*=} $(sha256sum <"$file" | cut -c1-64)" >>"$new/.packages.list"
done
[ -e "$new/etc/passwd" ] || printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'www-data:x:33:33::/:/bin/false' 'nobody:x:65534:65534:nobody:/nonexistent:/bin/false' >"$new/etc/passwd"
[ -e "$new/etc/group" ] || printf '%s\n' root:x:0: www-data:x:33: nogroup:x:65534: >"$new/etc/group"
printf '%s\n' "$wanted" >"$new/.wanted"
mv "$new/.packages.list" "$new/.packages"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$new" "$out"
