# Statuses and messages when things fail.
nosuchcommand; echo "status $?"
/no/such/file; echo "status $?"
echo text >plain; ./plain; echo "status $?"
/tmp; echo "status $?"
cat missing; echo "status $?"
cd missing; echo "status $?"
(set -e; false; echo "not reached"); echo "set -e $?"
(set -u; echo $undefined; echo "not reached") 2>/dev/null; echo "set -u $?"
(set -e; if false; then :; fi; false || true; ! true; echo "reached"); echo $?
(eval 'if') 2>/dev/null; echo "syntax $?"
sh -c 'exit 300'; echo "status $?"
sh -c 'kill -TERM $$'; echo "status $?"
sh -c 'kill -SEGV $$'; echo "status $?"
[ 1 -eq x ] 2>/dev/null; echo "test $?"
expr 1 + 1; expr 5 - 5; echo "expr $?"
false || echo or; true && echo and; false && echo no || echo last
test -e plain && test -f plain && test -r plain && test ! -d plain && test -s plain && echo tests
[ abc \< abd ] && [ -z "" ] && [ -n x ] && [ a != b ] && echo strings
mkdir d; rmdir d/x; rm d; rmdir d; rm -f missing; echo "rm $?"
cp missing x; mv missing x; ln -s x x; cat x; echo "loop $?"
grep -q none plain; echo "grep $?"; grep x missing; echo "grep $?"
(exit 42); echo $?
exit 9
