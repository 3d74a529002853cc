# Pathname expansion.
mkdir -p d/e/f x; touch a b c.txt d1.txt .hidden 'with space' d/one d/two d/e/three '[odd]' 'star*'
echo *
echo ?
echo [ab]
echo [!ab]*
echo *.txt
echo .h*
echo */*
echo */*/*
echo none*such
echo "*" '*' \*
echo [[]odd] 'star*'
set -f; echo *; set +f
for f in *; do [ -d "$f" ] && echo "dir $f"; done
p='*.txt'; echo $p; echo "$p"
case readme.txt in *.md) echo md ;; r*.t?t) echo txt ;; esac
case 'a*b' in a\*b) echo literal ;; esac
echo [a-c]* [[:digit:]]* d[0-9].*
cd d && echo * ../*.txt
echo /pro?/sel[f]
echo d*/ 2>/dev/null
