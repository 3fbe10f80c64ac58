# Locked operations on words that several CPUs change (include/asm-i386/bitops.h, atomic.h).

.macro FUNCTION name
	.align 16
	.globl \name
	.type \name,@function
\name:
	.cfi_startproc
.endm

.macro END_FUNCTION name
	ret
	.cfi_endproc
	.size \name, . - \name
.endm

.text
# void set_bit(int nr, volatile void *addr)
FUNCTION set_bit
	movl 4(%esp), %ecx
	movl 8(%esp), %edx
	lock; btsl %ecx, (%edx)
END_FUNCTION set_bit

# void clear_bit(int nr, volatile void *addr)
FUNCTION clear_bit
	movl 4(%esp), %ecx
	movl 8(%esp), %edx
	lock; btrl %ecx, (%edx)
END_FUNCTION clear_bit

# int test_and_set_bit(int nr, volatile void *addr)
FUNCTION test_and_set_bit
	movl 4(%esp), %ecx
	movl 8(%esp), %edx
	xorl %eax, %eax
	lock; btsl %ecx, (%edx)
	adcl $0, %eax
END_FUNCTION test_and_set_bit

# void atomic_inc(atomic_t *v)
FUNCTION atomic_inc
	movl 4(%esp), %edx
	lock; incl (%edx)
END_FUNCTION atomic_inc

# int atomic_dec_and_test(atomic_t *v)
FUNCTION atomic_dec_and_test
	movl 4(%esp), %edx
	xorl %eax, %eax
	lock; decl (%edx)
	sete %al
END_FUNCTION atomic_dec_and_test

# void atomic_set_mask(unsigned long mask, atomic_t *v)
FUNCTION atomic_set_mask
	movl 4(%esp), %eax
	movl 8(%esp), %edx
	lock; orl %eax, (%edx)
END_FUNCTION atomic_set_mask
