# sed: addresses, commands, hold space, branches, in place.
seq 1 20 >n
printf 'alpha one\nbeta two\ngamma three\n\ndelta four\n' >w
sed -n 5p n; sed -n '18,$p' n; sed '3,19d' n
sed 's/a/A/; s/a/E/2' w
sed 's/\([a-z]*\) \([a-z]*\)/\2 \1/' w
sed -E 's/([a-z])([a-z]+)/<\1|\2>/g; /^$/d' w
sed -n '/beta/,/^$/p' w
sed '/beta/!d' w
sed 's/[aeiou]//g;s/$/!/' w
sed -e '1i\
before' -e '$a\
after' -e '2c\
changed' w
sed -n '$=' w
sed G w | head -n 4
sed -n '1!G;h;$p' w
sed ':a;N;$!ba;s/\n/,/g' w
sed 'y/abc/xyz/' w
sed -n 's/t/T/p' w
sed 's/o/0/gw changed' w >/dev/null; cat changed
sed -i 's/alpha/ALPHA/' w; head -n 1 w
sed '/two/{s/two/2/;s/beta/b/}' w
sed -n '/0$/,+1p' n | tr '\n' ' '; echo
sed 's|/|:|g' <<END
/a/b/c
END
sed '5q' n | tail -n 1
sed 's/.*/"&"/' w
printf 'x=1\ny=2\n' | sed -n 's/^\(.\)=\(.\)$/\2 is \1/p'
seq 1 3000 | sed -n '/7$/{s/^/</;s/$/>/;p}' | md5sum
