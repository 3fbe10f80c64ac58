# Locks (include/asm-i386/spinlock.h, smplock.h). A free spinlock is 1; whoever takes it to 0 with a locked decrement has it,
# and those who find less turn on plain reads, which do not hold up the bus. Without CONFIG_LOCKS nobody calls these but
# the trylocks, which find every lock free. With CONFIG_PROVE_LOCKING everybody calls functions of kernel/spinlock.ts, which
# call these by names that begin with _raw_. Labels that end in _contended, _acquired and _released are where traces look
# (running/kernel-locks.ts): the lock has just been found taken, has been taken, is about to be free.

#include <asm/current.h>

.text

.macro LOCK_FUNCTION name
	.align 16
	.ifdef CONFIG_PROVE_LOCKING
	.globl _raw_\name
	.type _raw_\name,@function
_raw_\name:
	.else
	.globl \name
	.type \name,@function
\name:
	.endif
	.cfi_startproc
.endm

.macro LOCK_FUNCTION_END name
	.cfi_endproc
	.ifdef CONFIG_PROVE_LOCKING
	.size _raw_\name, . - _raw_\name
	.else
	.size \name, . - \name
	.endif
.endm

# Takes the lock \word for the function \name, turning on the spot until it is free, and returns. Begins with the label 1.
.macro TAKE_AND_RETURN name, word
1:	lock; decb \word
	js 2f
\name\()_acquired:
	ret
\name\()_contended:
2:	rep; nop
	cmpb $0, \word
	jle 2b
	jmp 1b
.endm

# void spin_lock(spinlock_t *lock); void spin_lock_nested(spinlock_t *lock, int subclass) is the same to who does not check it
#ifndef CONFIG_PROVE_LOCKING
	.align 16
	.globl spin_lock_nested
spin_lock_nested:
#endif
LOCK_FUNCTION spin_lock
	movl 4(%esp), %eax
	TAKE_AND_RETURN spin_lock, (%eax)
LOCK_FUNCTION_END spin_lock

# void spin_unlock(spinlock_t *lock)
LOCK_FUNCTION spin_unlock
	movl 4(%esp), %eax
spin_unlock_released:
	movb $1, (%eax)
	ret
LOCK_FUNCTION_END spin_unlock

# int spin_trylock(spinlock_t *lock): exchanges a 0 for whatever is there; it was free if that is more.
LOCK_FUNCTION spin_trylock
#ifdef CONFIG_LOCKS
	movl 4(%esp), %ecx
	xorl %eax, %eax
	xchgb %al, (%ecx)
	cmpb $0, %al
	setg %al
#else
	movl $1, %eax
#endif
spin_trylock_acquired:			# if AL is 1
	ret
LOCK_FUNCTION_END spin_trylock

# void spin_unlock_wait(spinlock_t *lock)
LOCK_FUNCTION spin_unlock_wait
	movl 4(%esp), %eax
1:	cmpb $0, (%eax)
	jg 2f
	rep; nop
	jmp 1b
2:	ret
LOCK_FUNCTION_END spin_unlock_wait

# void read_lock(rwlock_t *lock)
LOCK_FUNCTION read_lock
	movl 4(%esp), %eax
1:	lock; subl $1, (%eax)
	js 2f
read_lock_acquired:
	ret
read_lock_contended:
2:	lock; incl (%eax)		# a writer has it: take that back, and wait
3:	rep; nop
	cmpl $1, (%eax)
	js 3b
	jmp 1b
LOCK_FUNCTION_END read_lock

# void read_unlock(rwlock_t *lock)
LOCK_FUNCTION read_unlock
	movl 4(%esp), %eax
read_unlock_released:
	lock; incl (%eax)
	ret
LOCK_FUNCTION_END read_unlock

# void write_lock(rwlock_t *lock)
LOCK_FUNCTION write_lock
	movl 4(%esp), %eax
1:	lock; subl $RW_LOCK_BIAS, (%eax)
	jnz 2f
write_lock_acquired:
	ret
write_lock_contended:
2:	lock; addl $RW_LOCK_BIAS, (%eax)
3:	rep; nop
	cmpl $RW_LOCK_BIAS, (%eax)
	jne 3b
	jmp 1b
LOCK_FUNCTION_END write_lock

# void write_unlock(rwlock_t *lock)
LOCK_FUNCTION write_unlock
	movl 4(%esp), %eax
write_unlock_released:
	lock; addl $RW_LOCK_BIAS, (%eax)
	ret
LOCK_FUNCTION_END write_unlock

# int write_trylock(rwlock_t *lock)
LOCK_FUNCTION write_trylock
#ifdef CONFIG_LOCKS
	movl 4(%esp), %ecx
	lock; subl $RW_LOCK_BIAS, (%ecx)
	jz 1f
	lock; addl $RW_LOCK_BIAS, (%ecx)
	xorl %eax, %eax
	ret
1:
#endif
write_trylock_acquired:
	movl $1, %eax
	ret
LOCK_FUNCTION_END write_trylock

#ifdef CONFIG_PROVE_LOCKING
# int read_trylock(rwlock_t *lock)
LOCK_FUNCTION read_trylock
	movl 4(%esp), %ecx
	lock; subl $1, (%ecx)
	jns 1f
	lock; incl (%ecx)
	xorl %eax, %eax
	ret
read_trylock_acquired:
1:	movl $1, %eax
	ret
LOCK_FUNCTION_END read_trylock
#else
# The big kernel lock: taken once by a task, however often it asks; lock_depth is -1 while it does not have it.

# void lock_kernel(void)
LOCK_FUNCTION lock_kernel
	GET_CURRENT %ecx
	incl task_struct_lock_depth(%ecx)
	jz 1f
	ret
	TAKE_AND_RETURN lock_kernel, kernel_flag
LOCK_FUNCTION_END lock_kernel

# void unlock_kernel(void)
LOCK_FUNCTION unlock_kernel
	GET_CURRENT %ecx
	decl task_struct_lock_depth(%ecx)
	js 1f
	ret
unlock_kernel_released:
1:	movb $1, kernel_flag
	ret
LOCK_FUNCTION_END unlock_kernel

# void release_kernel_lock(struct task_struct *prev): gives it up while prev does not run, if prev has it.
LOCK_FUNCTION release_kernel_lock
	movl 4(%esp), %eax
	cmpl $0, task_struct_lock_depth(%eax)
	jl 1f
release_kernel_lock_released:
	movb $1, kernel_flag
1:	ret
LOCK_FUNCTION_END release_kernel_lock

# void reacquire_kernel_lock(struct task_struct *current): takes it again when it runs.
LOCK_FUNCTION reacquire_kernel_lock
	movl 4(%esp), %eax
	cmpl $0, task_struct_lock_depth(%eax)
	jge 1f
	ret
	TAKE_AND_RETURN reacquire_kernel_lock, kernel_flag
LOCK_FUNCTION_END reacquire_kernel_lock
#endif
