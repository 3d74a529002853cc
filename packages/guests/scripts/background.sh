# Background jobs, wait, named pipes.
(exit 3) & wait $!; echo "status $?"
for i in 1 2 3 4 5; do (echo "job $i" >job$i; exit $i) & done
wait; echo "all: $?"
cat job1 job2 job3 job4 job5
a=; for i in 1 2 3; do (exit $((i * 10))) & a="$a $!"; done
for pid in $a; do wait $pid; echo "status $?"; done
mkfifo p
(for i in 1 2 3; do echo "message $i"; done >p) &
while read -r line; do echo "got $line"; done <p
wait
sleep 50 & pid=$!; kill -0 $pid && echo running
kill -TERM $pid; wait $pid; echo "killed $?"
kill -0 $pid 2>/dev/null || echo gone
wait 99999 2>/dev/null; echo "not a child $?"
mkfifo to from
(while read -r n; do echo $((n * n)); done <to >from) &
exec 3>to 4<from
for i in 3 4 5; do echo $i >&3; read -r answer <&4; echo "$i squared is $answer"; done
exec 3>&- 4<&-
wait
n=0; while [ $n -lt 60 ]; do : & n=$((n + 1)); done; wait; echo "sixty"
{ sleep 0.1; echo late; } & echo early; wait
