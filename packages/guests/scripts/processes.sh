# Many processes: subshells in subshells, environment, exec, arguments.
(((((echo five deep)))))
sh -c 'sh -c "sh -c \"echo nested \$0\""'
i=0; while [ $i -lt 150 ]; do /usr/bin/busybox true; i=$((i + 1)); done; echo "150 processes"
i=0; while [ $i -lt 100 ]; do (exit $((i % 3))) || i=$((i + 0)); i=$((i + 1)); done; echo "100 subshells"
A=1 B='two words' env | grep -E '^[AB]=' | sort
export C=exported; sh -c 'echo $C'; env -i D=only sh -c 'echo "$C$D"'
env -i /usr/bin/busybox env
(exec sh -c 'echo executed'); sh -c 'exec echo replaced; echo not reached'
echo $$ | grep -qx '[0-9]*' && [ "$(sh -c 'echo $PPID')" = $$ ] && echo "parent's pid"
time_limit() { timeout 0.2 sleep 10; echo "timeout $?"; }; time_limit
timeout 10 sh -c 'exit 3'; echo "status $?"
xargs -n 1 sh -c 'echo "child $0"' <<END
a
b
END
seq 1 30 | xargs -P 4 -n 5 sh -c 'echo $#' | sort | uniq -c | sed 's/^ *//'
printf '%s\n' "$(ulimit -n)" | grep -c '^[0-9]*$'
umask 077; sh -c umask; umask 022
cd / && sh -c pwd; cd /tmp
: $(seq 1 5000); echo "$(seq 1 5000 | xargs echo | wc -w) arguments"
ps | grep -c sh | grep -q '[1-9]' && echo "ps lists"
[ -r /proc/self/status ] && grep -c ^Pid: /proc/self/status
test -t 0 || echo "no terminal"
