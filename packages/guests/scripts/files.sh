# File tools: cp, mv, ln, mkdir, rm, chmod, touch, dd, truncate, stat, test.
umask 022
mkdir -p a/b/c && echo hello >a/b/c/f && cp -r a copy && cat copy/b/c/f
cp a/b/c/f one; mv one two; ls; ln two three; ln -s two four; readlink four; cat four
stat -c '%s %a %F %h %u %g %n' two four a | sed 's/directory [0-9]*/directory N/; s/^[0-9]* 755/N 755/'
chmod u+x,go-r two; stat -c %a two; chmod 4755 two; stat -c %a two; chmod -R go-rx a; stat -c %a a a/b/c/f
touch -d '2001-02-03 04:05:06' two; TZ=UTC date -r two '+%Y-%m-%d %H:%M:%S'; [ a -nt two ] && echo newer
dd if=/dev/zero of=z bs=512 count=4 2>/dev/null; dd if=two of=z bs=1 seek=100 conv=notrunc 2>/dev/null; wc -c <z; od -An -c -j 98 -N 8 z
truncate -s 100 two; wc -c <two; truncate -s 3 two; cat two; echo
for i in 0 1 2; do dd if=z of=part.$i bs=700 skip=$i count=1 2>/dev/null; done; wc -c part.*; cat part.* | cmp - z && echo joined
mkdir -m 700 m; stat -c %a m; mktemp -u x.XXXXXX | wc -c; basename /a/b/c.txt .txt; dirname /a/b/c.txt; realpath a/../a/b
[ -L four ] && [ -x two ] && [ ! -e nothing ] && [ two -ef three ] && echo tests
rm -rf a copy part.* m; ls | sort
install -m 750 two five 2>/dev/null && stat -c %a five
echo x | tee t1 t2 >/dev/null; cat t1 t2; cmp t1 t2 && echo equal
od -An -tx1 t1; hexdump -C t1; xxd -p z 2>/dev/null | head -n 1; strings -n 3 two; cat -A t1
cd / && pwd && cd /tmp && pwd && cd - && pwd
