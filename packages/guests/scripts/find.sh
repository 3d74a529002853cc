# find, with everything sorted, as directories list in an order of their own.
mkdir -p t/a/b/c t/a/d t/e t/empty
for f in t/one.c t/two.h t/a/three.c t/a/b/four.txt t/a/b/c/five.c t/e/six; do echo "content of $f" >$f; done
dd if=/dev/zero of=t/big bs=1024 count=20 2>/dev/null
ln -s ../one.c t/a/link; ln -s nowhere t/dangling; chmod 755 t/e/six; chmod 600 t/two.h
find t | sort
find t -type d | sort
find t -type l | sort
find t -name '*.c' | sort
find t -iname 'ONE*'
find t -maxdepth 1 -mindepth 1 | sort
find t -size +10k
find t -empty | sort
find t -perm 600 -o -perm 755 -type f | sort
find t -path '*/b/*' -type f | sort
find t -name b -prune -o -type f -print | sort
find t ! -type d ! -name '*.c' | sort
find t -name '*.c' -exec cat {} \; | sort
find t -type f -name '*.c' -exec echo {} + | tr ' ' '\n' | sort
find t -type f -print0 | sort -z | xargs -0 wc -c
find t -type f -newer t/one.c -name nothing
find t/e -type f -exec sh -c 'echo "$0 has $(wc -c <"$0")"' {} \;
find t -depth -type d | wc -l
find missing 2>/dev/null; echo "status $?"
find t -name '*.h' -exec rm {} +; find t -name '*.h' | wc -l
