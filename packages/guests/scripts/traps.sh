# Traps and signals.
trap 'echo "exit trap, status $?"' EXIT
trap 'echo "usr1"' USR1
kill -USR1 $$
echo after
trap '' USR2; kill -USR2 $$; echo "ignored"
(trap 'echo "subshell exit"' EXIT; echo in subshell)
sh -c 'trap "echo term; exit 5" TERM; kill -TERM $$; echo not reached'; echo "status $?"
sh -c 'kill -KILL $$'; echo "status $?"
sh -c 'trap "" INT; kill -INT $$; echo survived'
trap - USR1
sh -c 'kill -USR1 $$'; echo "default $?"
trap 'echo "int"; flag=1' INT
kill -INT $$; echo "flag $flag"
f() { trap 'echo "from a function"' HUP; }
f; kill -HUP $$
(sleep 100) & pid=$!
kill $pid; wait $pid; echo "waited $?"
trap 'echo "interrupting wait"' ALRM
main=$$
(sleep 1; kill -ALRM $main) &
sleep 100 & long=$!
wait $long; echo "wait returned $?"
kill $long; wait; echo "all done $?"
trap | grep -c ' '
exit 7
