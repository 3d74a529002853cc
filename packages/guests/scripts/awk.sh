# awk: fields, patterns, arrays, functions, formats, pipes.
[ -e /bin/sh ] || /usr/bin/busybox ln -s /usr/bin/busybox /bin/sh # for awk's pipes
printf 'ann 30 red\nbob 25 blue\ncyd 41 red\ndan 19 green\neve 30 blue\n' >t
awk '{ print $1, $NF, NF, NR }' t
awk '$2 > 28' t
awk '/b/ && $3 != "red" { print toupper($1) }' t
awk 'NR == 2, NR == 4 { print NR ": " $0 }' t
awk '{ sum += $2 } END { print sum, sum / NR; printf "%.3f %5d|%-6s|%e %x\n", sum / NR, sum, "ab", sum, sum }' t
awk '{ n[$3]++; a[$3] = a[$3] " " $1 } END { for (c in n) print c, n[c] a[c] | "sort"; close("sort"); print "done" }' t
awk -F: '{ print $1 "-" $3 }' <<END
a:b:c
1::3
END
awk -v x=5 'BEGIN { OFS = "-"; $0 = "a b c"; $2 = x; print; print length($0), substr($0, 2, 3), index($0, "c") }'
awk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { for (i = 0; i < 15; i++) printf "%d ", f(i); print "" }'
awk 'BEGIN { s = "the cat sat"; n = gsub(/[ac]/, "<&>", s); print n, s; n = split("a,b,,d", p, ","); print n, p[1] p[4]; print match("foobar", /o+/), RSTART, RLENGTH }'
awk 'BEGIN { while ((getline line < "t") > 0) last = line; print last; "echo from a command" | getline x; print x }'
awk 'BEGIN { print 1e6, 0.1 + 0.2, 1 / 3, int(-3.7), 17 % 5, "10" + 5, "3x" * 2 }'
awk 'BEGIN { printf "%s %c %c %5.2f%%\n", "s", 65, "BCD", 12.345 }'
awk 'BEGIN { a["x"]; if ("x" in a) print "in"; delete a["x"]; if (!("x" in a)) print "out"; b[1, 2] = 3; for (k in b) { split(k, i, SUBSEP); print i[1], i[2] } }'
awk '{ for (i = NF; i > 0; i--) printf "%s%s", $i, i > 1 ? OFS : ORS }' t
awk 'BEGIN { i = 5; do { if (i == 3) continue; print i } while (--i > 0); exit 4 } END { print "end" }'; echo "status $?"
seq 1 20000 | awk '{ s = (s * 31 + $1) % 1000003 } END { print s }'
awk 'BEGIN { for (i = 2; i < 100; i++) { for (j = 2; j * j <= i; j++) if (i % j == 0) next_i = 1; if (!next_i) printf "%d ", i; next_i = 0 } print "" }'
awk 'BEGIN { RS = "" } { print NR ": " $1 "," $NF }' <<END
one two
three

four
five six
END
awk '{ print > ($3 ".out") } END { close("red.out"); while ((getline l < "red.out") > 0) print "red:", l }' t
