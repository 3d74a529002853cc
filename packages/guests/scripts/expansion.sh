# Parameter expansion, quoting, splitting.
unset none; empty=; path=/usr/local/lib/file.tar.gz
echo "${none-default} ${none:-default} ${empty-default} [${empty:-default}] ${none+set} ${path:+set}"
echo "${path##*/} ${path%/*} ${path%%.*} ${path#/*/} ${#path} ${path/local/LOCAL} ${path//\//:}"
echo "${path:5:5} ${path: -6}"
: "${none:=assigned}"
echo "$none"
v='a  b	c'
printf '<%s>' $v; echo
printf '<%s>' "$v"; echo
IFS=:
list=one:two::four
printf '<%s>' $list; echo
set -- $list
echo "$# $4"
echo "$*"
unset IFS
echo 'single $HOME `x`' "double \$HOME \"q\" \\ $((1+1))" back\ slash
echo "a'b" 'a"b' $'tab\there'
echo {a,b} ~root "~root"
x=5; x=$x$x; echo $x${x}y
printf '%s %5d|%-5s|%05.1f %x %o %c %%\n' str 42 ab 3.14159 255 8 char
printf '%s-%s\n' 1 2 3
printf '%b' 'one\ttwo\n'
eval "name=x; echo \$$(echo x)"
a=1 b=2 sh -c 'echo $a $b'
echo "${a-unset}"
readonly fixed=1
(fixed=2) 2>/dev/null || echo "readonly"
echo "end ${undefined?message}" 2>&1
echo "not reached"
