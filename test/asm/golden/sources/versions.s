# Names with versions: beside the name or instead of it, of symbols that are here and of others.
	.text
	.globl foo_1
foo_1:	ret
	.symver foo_1, foo@VERS_1
	.globl foo_2
foo_2:	ret
	.symver foo_2, foo@@VERS_2
	.symver bar, bar@VERS_1
	call bar
	.globl foo_3
foo_3:	ret
	.symver foo_3, foo3@@@VERS_3
	call q3
	.symver q3, quux@@@V
	.symver loc, loc@V1
loc:	ret
	call loc
	.symver unused, unused@V1
	.symver foo_2, foo@OTHER
	.globl r
r:	ret
	.symver r, rr@V, remove
	.globl l
l:	ret
	.symver l, ll@V, local
	.globl h
h:	ret
	.symver h, hh@V, hidden
	.type foo_1,@function
	.size foo_1, 1
	.weak w
w:	ret
	.symver w, ww@@V
	.long foo_1, foo_2, foo_3, r, l, w
