# ELF and wasm programs in one pipeline. $UPPER is /guests/upper.wasm, or where wasm cannot run its ELF twin.
echo 'from the shell' | $UPPER
seq 1 2000 | sed 's/$/ lines of text/' >f
/usr/bin/busybox cat f | $UPPER | /usr/bin/busybox wc -c
/guests/lines 300 | $UPPER | awk '{ print $NF, NR }' | tail -n 2
$UPPER <f | sha256sum
x=$(echo substituted | $UPPER); echo "[$x]"
for i in 1 2 3; do echo "loop $i" | $UPPER | $UPPER; done
(echo in the background | $UPPER >out) & wait; cat out
echo redirected | $UPPER >out2 2>/dev/null; cat out2
$UPPER <<END
here-document
END
seq 1 100000 | $UPPER | head -n 1
: | $UPPER; echo "status $?"
$UPPER </dev/null && echo "empty"
