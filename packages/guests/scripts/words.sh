# A word count over generated text, with many processes in each pipeline.
words='the quick brown fox jumps over lazy dog while seven wise owls watch from old oak tree'
set -- $words
i=0 x=7
while [ $i -lt 600 ]; do
  line=
  for k in 1 2 3 4 5 6 7 8; do
    x=$(((x * 1103515245 + 12345) % 2147483648))
    eval "line=\"\$line \${$((x / 65536 % $# + 1))}\""
  done
  echo $line
  i=$((i + 1))
done >text
wc text
tr ' ' '\n' <text | sort | uniq -c | sort -k1,1nr -k2 | awk '{ printf "%-6s %d\n", $2, $1 }'
awk '{ for (i = 1; i < NF; i++) pairs[$i " " $(i + 1)]++ } END { for (p in pairs) print pairs[p], p }' text | sort -k1,1nr -k2 | head -n 5
grep -c fox text; grep -o 'o[a-z]*' text | sort | uniq -c | sort -rn | head -n 3 | awk '{ print $2 }' | sort
sed 's/the/THE/g' text | grep -n THE | cut -d: -f1 | head -n 3
sort text | md5sum; sort -u text | wc -l
for w in fox dog owls; do printf '%s %s\n' $w "$(tr ' ' '\n' <text | grep -cx $w)"; done
cut -d' ' -f3 text | sort | uniq | tr '\n' ' '; echo
for c in 1 2 3 4 5 6; do sed -n "$((c * 100 - 99)),$((c * 100))p" text >chunk.$c; done; for c in chunk.*; do (wc -w <$c >$c.count) & done; wait; cat chunk.*.count | awk '{ s += $1 } END { print s }'
