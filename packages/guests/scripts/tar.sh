# tar, gzip, bzip2, cpio: round trips.
for tool in gzip gunzip; do [ -e /bin/$tool ] || /usr/bin/busybox ln -s /usr/bin/busybox /bin/$tool; done # for tar's z
mkdir -p s/sub/deep
i=0; while [ $i -lt 40 ]; do seq $i $((i * 50)) >s/file$i; i=$((i + 1)); done
echo "#!/bin/sh" >s/sub/run; chmod 755 s/sub/run; chmod 640 s/file1; ln -s ../file2 s/sub/link; ln s/file3 s/sub/deep/hard
find s -exec touch -h -d '2020-01-02 03:04:05' {} + 2>/dev/null || find s ! -type l -exec touch -d '2020-01-02 03:04:05' {} +
sum() { (cd $1 && find . -type f | sort | xargs sha256sum | sha256sum); }
sum s
find s | sort >names
tar cf a.tar -T names --no-recursion 2>/dev/null || tar cf a.tar s
tar tf a.tar | sort | head -n 5; tar tf a.tar | wc -l
mkdir x && tar xf a.tar -C x && sum x/s
ls -l x/s/sub/run | cut -c1-10; ls -l x/s/file1 | cut -c1-10; readlink x/s/sub/link
[ x/s/file3 -ef x/s/sub/deep/hard ] && echo "hard link kept"
tar czf a.tgz s && mkdir y && tar xzf a.tgz -C y && sum y/s
gzip -c s/file39 | gunzip -c | cmp - s/file39 && echo "gzip round trip"
bzip2 -c s/file39 | bunzip2 -c | cmp - s/file39 && echo "bzip2 round trip"
gzip -k s/file38; gunzip -t s/file38.gz && echo "tested"; zcat s/file38.gz | tail -n 1
find s -type f | sort | cpio -o -H newc 2>/dev/null >a.cpio; mkdir z; (cd z && cpio -id 2>/dev/null <../a.cpio); rm s/file38.gz z/s/file38.gz; sum z/s
tar xOf a.tar s/file5 | md5sum
tar xf a.tar -C y s/file7 && cmp s/file7 y/s/file7 && echo "one member"
head -c 5000 a.tgz >cut.tgz; tar xzf cut.tgz -C y 2>/dev/null; echo "cut: $?"
(cd s && tar cf - .) | (mkdir w && cd w && tar xf -) && sum w
