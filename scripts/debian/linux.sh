#!/usr/bin/env bash
# linux.sh [--share DIR] [--stdin FILE] [--timeout SECONDS] ROOTDIR 'shell script'
# Runs the script with busybox sh, chrooted into ROOTDIR, on a genuine riscv64 Linux kernel (Debian trixie's) under
# qemu-system-riscv64: the reference for what a Linux system call really does. (qemu-riscv64 in user mode is not: it hands
# many calls to the host.) Boots in about 4 s.
#
# stdout, stderr and exit status of the script become this command's own, byte for byte; inside, both are pipes. Status
# 124: no result within the timeout (default 120 s), 125: could not start; then stderr says why.
# ROOTDIR appears writable, and its changes are thrown away. /tmp is an empty tmpfs; /proc, /dev, /sys are mounted.
# --share DIR: DIR is at /share, writable, its changes kept. --stdin FILE: given to the script through a pipe (else /dev/null).
# In the script, $BUSYBOX is the path of the busybox that runs it.
# Needs what install.sh installs. Cache: $ASHLAR_CACHE/debian (default ~/.cache/ashlar/debian).
set -euo pipefail

fail() { echo "linux.sh: $*" >&2; exit 125; }
share= stdin=/dev/null limit=120
while [ $# -gt 0 ]; do
  case $1 in
    --share) share=$(realpath "$2"); shift 2 ;;
    --stdin) stdin=$(realpath "$2"); shift 2 ;;
    --timeout) limit=$2; shift 2 ;;
    --) shift; break ;;
    -*) fail "unknown option $1" ;;
    *) break ;;
  esac
done
[ $# = 2 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 125; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$1"); script=$2
[ -d "$root" ] || fail "no such directory: $root"
for tool in qemu-system-riscv64 cpio xz gzip timeout; do command -v "$tool" >/dev/null || fail "needs $tool: run $here/install.sh"; done

cache=${ASHLAR_CACHE:-$HOME/.cache/ashlar}/debian
kernel_root=$cache/roots/linux-image-riscv64; busybox_root=$cache/roots/busybox-static
"$here/root.sh" "$kernel_root" linux-image-riscv64 || fail "cannot have the kernel package"
"$here/root.sh" "$busybox_root" busybox-static || fail "cannot have busybox"
kernel=$(compgen -G "$kernel_root/boot/vmlinu*" | head -1); release=$(ls "$kernel_root/usr/lib/modules" | head -1)

work=$(mktemp -d); machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null || true; rm -rf "$work"' EXIT
init=$work/init; result=$work/result
mkdir -p "$init"/{bin,proc,sys,dev,lower,rw,root,result,share,modules} "$result"
cp "$busybox_root/usr/bin/busybox" "$init/bin/busybox"; ln -s busybox "$init/bin/sh"
number=0
for module in netfs 9pnet 9pnet_virtio 9p overlay; do
  file=$(find "$kernel_root/usr/lib/modules/$release" -name "$module.ko*" | head -1); [ -n "$file" ] || continue
  number=$((number + 1))
  case $file in *.xz) xz -dc "$file" ;; *) cat "$file" ;; esac >"$init/modules/$number-$module.ko"
done
printf '%s\n' "$script" >"$result/script"
cp "$stdin" "$result/stdin" 2>/dev/null || : >"$result/stdin"
[ "$stdin" = /dev/null ] || touch "$result/has-stdin"
[ -n "$share" ] || { share=$work/share; mkdir "$share"; }

cat >"$init/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
for m in /modules/*.ko; do insmod $m 2>/dev/null; done
nine() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,$3 $1 $2; }
nine lower /lower ro,cache=loose; nine result /result rw,cache=none; nine share /share rw,cache=none
mount -t tmpfs t /rw; mkdir /rw/upper /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work o /root
mkdir -p /root/proc /root/dev /root/sys /root/tmp /root/share /root/.linux
mount -t proc p /root/proc; mount --bind /dev /root/dev; mount --bind /sys /root/sys; mount --bind /share /root/share
mount -t tmpfs -o mode=1777 t /root/tmp
mkdir -p /root/dev/pts /root/dev/shm; mount -t devpts p /root/dev/pts; mount -t tmpfs t /root/dev/shm
cp /bin/busybox /root/.linux/busybox; cp /result/script /root/.linux/script
ifconfig lo 127.0.0.1 up; uname -r >/result/release
mkfifo /rw/out /rw/err
cat </rw/out >/result/stdout & cat </rw/err >/result/stderr &
run() { cd /; env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root BUSYBOX=/.linux/busybox chroot /root /.linux/busybox sh /.linux/script >/rw/out 2>/rw/err; echo $? >/rw/status; }
if [ -e /result/has-stdin ]; then cat /result/stdin | run; else run </dev/null; fi
wait
cp /rw/status /result/status; sync; poweroff -f
INIT
chmod +x "$init/init"
(cd "$init" && find . | cpio --quiet -o -H newc | gzip -1 >"$work/init.cpio.gz")

nine() { printf '%s\n' -fsdev "local,id=$1,path=$2,security_model=none$3" -device "virtio-9p-pci,fsdev=$1,mount_tag=$1"; }
mapfile -t shares < <(nine lower "$root" ,readonly=on; nine result "$result" ''; nine share "$share" '')
boot() {
  timeout "$limit" qemu-system-riscv64 -M virt -m 2G -smp 2 -nographic -no-reboot -bios default -kernel "$kernel" \
    -initrd "$work/init.cpio.gz" -append 'console=ttyS0 quiet panic=-1' "${shares[@]}" </dev/null >"$work/log" 2>&1 &
  machine=$!
  # Under heavy load the machine now and then does not come up. Nothing of the script has run then, so it may be tried again.
  for ((second = 0; second < 60 && second < limit; second++)); do
    [ ! -s "$result/release" ] && kill -0 "$machine" 2>/dev/null || break
    sleep 1
  done
  if [ ! -s "$result/release" ]; then kill "$machine" 2>/dev/null || true; wait "$machine" || true; return 1; fi
  wait "$machine" || true
}
boot || boot || boot || true
[ -s "$result/status" ] || { echo "linux.sh: no result within $limit s; the console ends:" >&2; tail -15 "$work/log" | tr -d '\r' >&2; exit 124; }
cat "$result/stderr" >&2
cat "$result/stdout"
exit "$(cat "$result/status")"
