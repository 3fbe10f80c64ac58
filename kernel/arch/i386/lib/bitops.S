# Bits in memory (include/asm-i386/bitops.h). Arguments come in registers: EAX, EDX, ECX. Bit numbers count on into the words
# behind. Those that begin with two underscores are for words that nobody else changes meanwhile.

#include <asm/dwarf2.h>
#include <asm/lock.h>
#include <linux/linkage.h>

.text
# void set_bit(int nr, volatile void *addr)
FUNCTION set_bit
	LOCK btsl %eax, (%edx)
RETURN set_bit

# void clear_bit(int nr, volatile void *addr)
FUNCTION clear_bit
	LOCK btrl %eax, (%edx)
RETURN clear_bit

# void change_bit(int nr, volatile void *addr)
FUNCTION change_bit
	LOCK btcl %eax, (%edx)
RETURN change_bit

# int test_and_set_bit(int nr, volatile void *addr)
FUNCTION test_and_set_bit
	LOCK btsl %eax, (%edx)
	sbbl %eax, %eax
	negl %eax
RETURN test_and_set_bit

# int test_and_clear_bit(int nr, volatile void *addr)
FUNCTION test_and_clear_bit
	LOCK btrl %eax, (%edx)
	sbbl %eax, %eax
	negl %eax
RETURN test_and_clear_bit

# int test_and_change_bit(int nr, volatile void *addr)
FUNCTION test_and_change_bit
	LOCK btcl %eax, (%edx)
	sbbl %eax, %eax
	negl %eax
RETURN test_and_change_bit

# void __set_bit(int nr, volatile void *addr)
FUNCTION __set_bit
	btsl %eax, (%edx)
RETURN __set_bit

# void __clear_bit(int nr, volatile void *addr)
FUNCTION __clear_bit
	btrl %eax, (%edx)
RETURN __clear_bit

# void __change_bit(int nr, volatile void *addr)
FUNCTION __change_bit
	btcl %eax, (%edx)
RETURN __change_bit

# int __test_and_set_bit(int nr, volatile void *addr)
FUNCTION __test_and_set_bit
	btsl %eax, (%edx)
	sbbl %eax, %eax
	negl %eax
RETURN __test_and_set_bit

# int __test_and_clear_bit(int nr, volatile void *addr)
FUNCTION __test_and_clear_bit
	btrl %eax, (%edx)
	sbbl %eax, %eax
	negl %eax
RETURN __test_and_clear_bit

# int __test_and_change_bit(int nr, volatile void *addr)
FUNCTION __test_and_change_bit
	btcl %eax, (%edx)
	sbbl %eax, %eax
	negl %eax
RETURN __test_and_change_bit

# unsigned long ffz(unsigned long word): its lowest clear bit
FUNCTION ffz
	notl %eax
	bsfl %eax, %eax
RETURN ffz

# unsigned long __ffs(unsigned long word): its lowest set bit
FUNCTION __ffs
	bsfl %eax, %eax
RETURN __ffs

# int ffs(int x): its lowest set bit, counted from 1; 0 without any
FUNCTION ffs
	bsfl %eax, %eax
	jnz 1f
	movl $-1, %eax
1:	incl %eax
RETURN ffs

# int fls(int x): its highest set bit, counted from 1; 0 without any
FUNCTION fls
	bsrl %eax, %eax
	jnz 1f
	movl $-1, %eax
1:	incl %eax
RETURN fls

# The first bit from `offset` (ECX) on, of the `size` (EDX) bits at `addr` (EAX), that is set when `whole` changes nothing of a
# word in EBX, and clear when it inverts that; `size` when there is none.
.macro FIND_NEXT whole:vararg
	pushl_cfi %ebx
1:	cmpl %edx, %ecx
	jae 3f
	movl %ecx, %ebx
	shrl $5, %ebx
	movl (%eax,%ebx,4), %ebx
	\whole
	shrl %cl, %ebx			# bits before the offset
	testl %ebx, %ebx
	jnz 2f
	orl $31, %ecx			# the next word
	incl %ecx
	jmp 1b
2:	bsfl %ebx, %ebx
	addl %ebx, %ecx
	cmpl %edx, %ecx
	jb 4f
3:	movl %edx, %ecx
4:	movl %ecx, %eax
	popl_cfi %ebx
.endm

# int find_first_bit(void *addr, unsigned size)
FUNCTION find_first_bit
	xorl %ecx, %ecx
	FIND_NEXT
RETURN find_first_bit

# int find_next_bit(void *addr, int size, int offset)
FUNCTION find_next_bit
	FIND_NEXT
RETURN find_next_bit

# int find_first_zero_bit(void *addr, unsigned size)
FUNCTION find_first_zero_bit
	xorl %ecx, %ecx
	FIND_NEXT notl %ebx
RETURN find_first_zero_bit

# int find_next_zero_bit(void *addr, int size, int offset)
FUNCTION find_next_zero_bit
	FIND_NEXT notl %ebx
RETURN find_next_zero_bit
