# .altmacro: local names, computed arguments, strings in angle brackets, names without a backslash.
	.altmacro
	.macro entry value
	LOCAL spot, after
spot:	.long spot, after, value
after:
	.endm
	.macro numbered n
item\n:	.byte n, &n&, \n
	.ascii "n=&n&"
	.endm
	.set k, 0
	.rept 3
	numbered %k
	entry %(k * 2 + 1)
	.set k, k + 1
	.endr
	.macro text s
	.asciz s
	.endm
	text <"it, is!!">
	text <"a<b>">
	text "quoted"
	.noaltmacro
	.macro amp a
	.byte 3&a
	.byte 1\(+2), \a&&3
	.ascii "\\a"
	.endm
	amp 7
	.irpc c, abn
	.byte '\c, '\c'
	.ascii "\c"
	.endr
	.byte '\0, '\n, '\\, 0
