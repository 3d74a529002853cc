# Redirections of every kind.
echo one >f; echo two >>f; cat <f
echo two words | cat f -
{ echo out; echo err >&2; } >both 2>&1; cat both
{ echo out; echo err >&2; } 2>&1 >only-out | sed 's/^/piped: /'; cat only-out
exec 3>third; echo to three >&3; echo more >&3; exec 3>&-; cat third
(echo closed >&3) 2>/dev/null || echo "bad descriptor"
exec 4<f; read -r a <&4; read -r b <&4; exec 4<&-; echo "$a,$b"
exec 5<>rw; echo rewritten >&5; cat rw; exec 5>&-
set -C; (echo x >f) 2>/dev/null || echo "noclobber"; echo forced >|f; set +C; cat f
: >empty; wc -c <empty
cat missing 2>/dev/null; echo "status $?"
(cat <missing) 2>/dev/null; echo "status $?"
(echo x >/no/such/dir/f) 2>/dev/null; echo "status $?"
echo swapped 3>&1 1>&2 2>&3 2>/dev/null
ls missing >out 2>err; echo "status $?"; cat err
while read -r line; do echo "line: $line"; done <<END
a
b
END
for i in 1 2 3; do echo $i; done >loop; cat loop
f() { cat; }; echo through a function | f >g; cat g
echo visible; exec >log; echo hidden; exec >&2; echo on stderr
