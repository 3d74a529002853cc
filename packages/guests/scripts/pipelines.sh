# Pipelines: stages, statuses, volume, early end.
seq 1 10 | grep -v 5 | tail -n 3 | tr 0-9 a-j
true | false; echo "status $?"
false | true; echo "status $?"
! true; echo "negated $?"
set -o pipefail
false | true; echo "pipefail $?"
(exit 3) | (exit 4) | true; echo "pipefail $?"
set +o pipefail
seq 1 100000 | head -n 2
yes | head -n 3
seq 1 50000 | cat | cat | cat | cat | wc -lc
seq 1 20000 | sort -r | sort -n | md5sum
echo outer | { read -r x; echo "group $x"; cat; }
echo a | (cat; echo b) | tee copy | wc -l
cat copy
x=1; echo 2 | read -r x; echo "x is $x"
dd if=/dev/zero bs=1000 count=300 2>/dev/null | tr '\0' x | fold -w 100 | uniq -c
{ echo out; echo err >&2; } 2>&1 | sed 's/^/> /'
seq 1 5 | xargs echo all:
seq 1 7 | xargs -n 3 echo some:
printf 'a b\0c\0' | xargs -0 -n 1 echo item:
