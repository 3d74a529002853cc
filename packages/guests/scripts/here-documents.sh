# Here-documents: expansion, quoting, tabs, nesting, size.
name=world
cat <<END
hello $name, $((2 + 3)), $(echo substituted), \$escaped, `echo old`
  "quotes" 'stay'
END
cat <<'END'
no $name, no $(echo x), \$ stays
END
cat <<-END
	tabs are
		removed
	END
cat <<A; cat <<B
first
A
second
B
f() { cat <<END
in a function: $1
END
}
f argument
x=$(cat <<END
in a substitution
END
)
echo "$x"
while read -r a b; do echo "$b $a"; done <<END
1 one
2 two
END
cat <<END | tr a-z A-Z
piped
END
big=$(seq 1 20000)
cat <<END | md5sum
$big
END
cat <<'ONE' <<'TWO'
lost
ONE
the last one counts
TWO
sh <<'END'
echo "a script from a here-document: $0 $#"
END
