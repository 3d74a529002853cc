# Loops, case, arithmetic.
for i in 1 2 3 "four five"; do echo "for: $i"; done
i=0
while [ $i -lt 20 ]; do
  i=$((i + 1))
  case $i in
    [1-3]) continue ;;
    4 | 5) echo "case: $i" ;;
    1?) [ $((i % 4)) = 0 ] && echo "teens: $i" ;;
    *9) echo "nine" ;;
    *) : ;;
  esac
  [ $i -ge 17 ] && break
done
echo "left with $i"
until [ $i -le 10 ]; do i=$((i - 3)); done
echo "until $i"
for a in x y; do for b in 1 2 3; do [ $b = 2 ] && continue 2; echo "$a$b"; done; done
echo $((7 / 2)) $((-7 / 2)) $((7 % 3)) $((2 ** 10)) $((0x1f + 010)) $((5 > 3 && 2 > 1)) $((1 << 40)) $((~5 & 0xff))
n=27 steps=0
while [ $n != 1 ]; do
  if [ $((n % 2)) = 0 ]; then n=$((n / 2)); else n=$((3 * n + 1)); fi
  steps=$((steps + 1))
done
echo "steps $steps"
seq 3 4 20 | while read -r x; do echo "seq $x"; done
