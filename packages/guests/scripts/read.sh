# read in loops, field splitting, raw and cooked.
printf 'a b c\nd\te  f\n  lead and trail  \nback\\slash con\\\ntinued\n' >t
while read -r x y; do echo "[$x] [$y]"; done <t
while read x y; do echo "[$x] [$y]"; done <t
while IFS= read -r line; do echo "[$line]"; done <t
while IFS=, read -r a b c; do echo "$c-$b-$a"; done <<END
1,2,3
x,,z
only
p,q,r,s
END
printf 'no newline' | { read -r x; echo "$? [$x]"; }
: | { read -r x; echo "$? [$x]"; }
printf 'abcdef' | { read -r -n 3 x; echo "[$x]"; read -r y; echo "[$y]"; }
IFS=: read -r user pass uid rest <<END
root:x:0:0:root
END
echo "$user $uid $rest"
n=0; while read -r line; do n=$((n + ${#line})); done <<END
$(seq 1 2000)
END
echo $n
seq 1 6 | while read -r a && read -r b; do echo "$a+$b=$((a + b))"; done
exec 3<t; read -r one <&3; read -r two <&3; echo "$one/$two"; exec 3<&-
echo "y" | if read -r answer && [ "$answer" = y ]; then echo yes; fi
