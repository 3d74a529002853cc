# sort, uniq, cut, paste, tr, diff, head, tail, and others on columns.
printf 'pear 10 x\napple 9 y\nfig 100 x\napple 10 z\nFig 1 y\n' >t
sort t; sort -r t; sort -f t; sort -k2n t; sort -k2nr -k1 t; sort -k3,3 -k2,2n t; sort -u -k1,1 t
printf '3\n1\n2\n3\n1\n' | sort -n | uniq -c | sed 's/^ *//'
printf '3\n1\n2\n3\n1\n' | sort -nu | tr '\n' ' '; echo
printf 'a\na\nb\nc\nc\n' | uniq -d; printf 'a\na\nb\nc\nc\n' | uniq -u
printf '10K\n2M\n300\n' | sort -h
cut -d' ' -f1,3 t; cut -c2-4 t; cut -d' ' -f2- t
printf '1\n2\n3\n' >a; printf 'x\ny\n' >b
paste a b; paste -d, -s a
printf 'a\nb\nd\n' >l; printf 'b\nc\nd\n' >r; grep -Fxf l r; cat l r | sort | uniq -c | sed 's/^ *//'
tr a-z A-Z <t | tr -d 'AEIOU' | tr -s 'P'
tr -c 'a-z\n' '.' <t
head -n -2 t; tail -n +4 t; head -c 7 t; echo; tail -c 5 t
tac a; rev t; nl a | sed 's/^ *//'; expand -t 4 <<END
a	b
END
fold -w 5 t | head -n 4
wc t; wc -l <t
seq 1 5000 | awk '{ print ($1 * 7919) % 5003 }' | sort -n | md5sum
seq 1 5000 | awk '{ print ($1 * 7919) % 5003, $1 }' | sort | sort -s -k2,2n | md5sum
diff l r; echo "diff $?"; cmp l r; echo "cmp $?"; diff -u l l && echo equal
sort -c a && echo sorted; sort -c t 2>/dev/null || echo "not sorted"
