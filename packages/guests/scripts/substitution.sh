# Command substitution.
echo "$(echo a; echo b)" $(echo a; echo b)
x=$(printf 'trailing\n\n\n'); echo "[$x]"
echo "$(echo "$(echo "$(echo deep)")")"
x=$(exit 6); echo "status $?"
echo `echo old \`echo nested\``
y=$(echo "quotes \"inside\" and 'single'"); echo "$y"
for f in $(seq 1 3); do printf '%s,' "$f"; done; echo
big=$(seq 1 30000); echo ${#big}
echo "$(cat <<END
document
END
)"
z=$(echo one | tr a-z A-Z | rev); echo "$z"
set -- $(echo a b c); echo $#
v=outer; w=$(v=inner; echo $v); echo "$v $w"
echo "$(case x in x) echo "case in substitution" ;; esac)"
lines=$(printf 'a\nb c\n'); echo $lines; echo "$lines"
echo "status kept: $(false) $?"
a=$(false)b; echo "$? $a"
echo $(( $(echo 4) * $(echo 5) ))
i=0; while [ $i -lt 100 ]; do i=$(($(echo $i) + 1)); done; echo $i
