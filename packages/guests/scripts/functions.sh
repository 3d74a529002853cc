# Functions: arguments, locals, recursion, return values, getopts.
greet() { echo "hello $1 and $2, $# arguments"; return 3; }
greet one "two words"
echo "returned $?"
factorial() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(factorial $(($1 - 1))))); fi; }
factorial 12
x=outer
scope() { local x=inner; echo "$x"; y=set; }
scope
echo "$x $y"
show() { for a in "$@"; do printf '[%s]' "$a"; done; echo; }
show a "b c" '' '*'
show $* ; set -- 1 2 "3 4" 5
shift 2
show "$@"
show "$*"
options() {
  OPTIND=1
  while getopts ab:c: option; do
    case $option in
      a) echo "a" ;;
      b | c) echo "$option=$OPTARG" ;;
      *) echo "bad" ;;
    esac
  done
  shift $((OPTIND - 1))
  echo "rest: $*"
}
options -a -b one -ctwo -- -x y 2>&1
fib() {
  [ "$1" -lt 2 ] && { result=$1; return; }
  fib $(($1 - 1)); local first=$result
  fib $(($1 - 2)); result=$((first + result))
}
fib 13
echo "fib $result"
unset -f greet
greet 2>/dev/null || echo "gone: $?"
subshell() ( x=changed; exit 9 )
subshell
echo "$? $x"
