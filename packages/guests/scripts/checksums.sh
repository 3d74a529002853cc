# sha256sum and others over 400 files that the script makes itself.
mkdir -p tree
i=0
while [ $i -lt 400 ]; do
  d=tree/$((i % 20))/$((i % 7)); [ -d $d ] || mkdir -p $d
  awk -v n=$i 'BEGIN { x = n + 1; for (k = 0; k < 20 + n % 90; k++) { x = (x * 16807) % 2147483647; print x } }' >$d/f$i
  i=$((i + 1))
done
find tree -type f | wc -l
find tree -type f | sort | xargs sha256sum >sums
head -n 3 sums; sha256sum <sums
sha256sum -c sums | grep -c OK
echo x >>tree/0/0/f0; sha256sum -c sums 2>/dev/null | grep -v OK; 
find tree -type f | sort | xargs cat | sha1sum
find tree -type f | sort | xargs cat | sha512sum
find tree -type f | sort | xargs cat | md5sum
find tree -type f | sort | xargs wc -c | tail -n 1
cp -r tree copy; (cd copy && find . -type f | sort | xargs sha256sum) | sha256sum; (cd tree && find . -type f | sort | xargs sha256sum) | sha256sum
rm -r tree; ls
base64 sums | sha256sum; base64 sums | base64 -d | cmp - sums && echo same
