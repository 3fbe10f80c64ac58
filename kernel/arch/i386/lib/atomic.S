# Counts that several CPUs change (include/asm-i386/atomic.h), exchanges (system.h), and counts of one CPU. Arguments come in registers: EAX, EDX, ECX.

#include <asm/dwarf2.h>
#include <asm/lock.h>
#include <linux/linkage.h>

# Whether the flag that `set` reads was left set, in EAX.
.macro RESULT set
	\set %al
	movzbl %al, %eax
.endm

.text
# void atomic_add(int i, atomic_t *v)
FUNCTION atomic_add
	LOCK addl %eax, (%edx)
RETURN atomic_add

# void atomic_sub(int i, atomic_t *v)
FUNCTION atomic_sub
	LOCK subl %eax, (%edx)
RETURN atomic_sub

# void atomic_inc(atomic_t *v)
FUNCTION atomic_inc
	LOCK incl (%eax)
RETURN atomic_inc

# void atomic_dec(atomic_t *v)
FUNCTION atomic_dec
	LOCK decl (%eax)
RETURN atomic_dec

# int atomic_sub_and_test(int i, atomic_t *v): whether it is 0 now
FUNCTION atomic_sub_and_test
	LOCK subl %eax, (%edx)
	RESULT sete
RETURN atomic_sub_and_test

# int atomic_dec_and_test(atomic_t *v): whether it is 0 now
FUNCTION atomic_dec_and_test
	LOCK decl (%eax)
	RESULT sete
RETURN atomic_dec_and_test

# int atomic_inc_and_test(atomic_t *v): whether it is 0 now
FUNCTION atomic_inc_and_test
	LOCK incl (%eax)
	RESULT sete
RETURN atomic_inc_and_test

# int atomic_add_negative(int i, atomic_t *v): whether it is below 0 now
FUNCTION atomic_add_negative
	LOCK addl %eax, (%edx)
	RESULT sets
RETURN atomic_add_negative

# int atomic_add_return(int i, atomic_t *v): what it is now
FUNCTION atomic_add_return
	movl %eax, %ecx
	LOCK xaddl %eax, (%edx)
	addl %ecx, %eax
RETURN atomic_add_return

# int atomic_sub_return(int i, atomic_t *v)
FUNCTION atomic_sub_return
	negl %eax
	movl %eax, %ecx
	LOCK xaddl %eax, (%edx)
	addl %ecx, %eax
RETURN atomic_sub_return

# int atomic_inc_return(atomic_t *v)
FUNCTION atomic_inc_return
	movl $1, %ecx
	LOCK xaddl %ecx, (%eax)
	leal 1(%ecx), %eax
RETURN atomic_inc_return

# int atomic_dec_return(atomic_t *v)
FUNCTION atomic_dec_return
	movl $-1, %ecx
	LOCK xaddl %ecx, (%eax)
	leal -1(%ecx), %eax
RETURN atomic_dec_return

# int atomic_add_unless(atomic_t *v, int a, int u): adds a unless it is u; whether it did
FUNCTION atomic_add_unless
	pushl_cfi %ebx
	pushl_cfi %esi
	movl %eax, %ebx
	movl (%ebx), %eax
1:	cmpl %ecx, %eax
	je 2f
	leal (%eax,%edx), %esi
	LOCK cmpxchgl %esi, (%ebx)
	jne 1b				# somebody was faster: EAX is what there is now
	movl $1, %eax
	jmp 3f
2:	xorl %eax, %eax
3:	popl_cfi %esi
	popl_cfi %ebx
RETURN atomic_add_unless

# void atomic_set_mask(unsigned long mask, atomic_t *v)
FUNCTION atomic_set_mask
	LOCK orl %eax, (%edx)
RETURN atomic_set_mask

# void atomic_clear_mask(unsigned long mask, atomic_t *v)
FUNCTION atomic_clear_mask
	notl %eax
	LOCK andl %eax, (%edx)
RETURN atomic_clear_mask

# Counts of one CPU's own (include/asm-i386/local.h), whole for its interrupts alone.

# void local_add(long i, local_t *l)
FUNCTION local_add
	addl %eax, (%edx)
RETURN local_add

# void local_sub(long i, local_t *l)
FUNCTION local_sub
	subl %eax, (%edx)
RETURN local_sub

# void local_inc(local_t *l)
FUNCTION local_inc
	incl (%eax)
RETURN local_inc

# void local_dec(local_t *l)
FUNCTION local_dec
	decl (%eax)
RETURN local_dec

# unsigned long xchg(volatile unsigned long *ptr, unsigned long x): what was there. XCHG with memory needs no prefix.
FUNCTION xchg
	xchgl %edx, (%eax)
	movl %edx, %eax
RETURN xchg

# unsigned long cmpxchg(volatile unsigned long *ptr, unsigned long old, unsigned long new): what was there; `new` is there
# now if that was `old`
FUNCTION cmpxchg
	xchgl %eax, %edx
	LOCK cmpxchgl %ecx, (%edx)
RETURN cmpxchg
