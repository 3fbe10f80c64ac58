# Reader/writer semaphores, as long as nobody waits (include/asm-i386/rwsem.h). The semaphore's address comes in EAX. Its count is
# that of those who have it or are about to (active, the lower half) and, in the upper half, one off for a writer and for
# everybody who waits. Below 0 there is a writer, or somebody waits; lib/rwsem.ts goes on from there.

#include <asm/dwarf2.h>
#include <asm/lock.h>
#include <linux/linkage.h>

.text
# void down_read(struct rw_semaphore *sem)
FUNCTION down_read
	LOCK incl (%eax)
	js 1f
	ret
1:	CALL_AND_RETURN rwsem_down_read_failed
END_FUNCTION down_read

# void down_write(struct rw_semaphore *sem)
FUNCTION down_write
	movl $RWSEM_ACTIVE_WRITE_BIAS, %edx
	LOCK xaddl %edx, (%eax)
	testl %edx, %edx		# was it free?
	jnz 1f
	ret
1:	CALL_AND_RETURN rwsem_down_write_failed
END_FUNCTION down_write

# void up_read(struct rw_semaphore *sem)
FUNCTION up_read
	movl $-RWSEM_ACTIVE_READ_BIAS, %edx
	LOCK xaddl %edx, (%eax)
	js 1f
	ret
1:	decw %dx			# somebody waits: was this the last that was active?
	jz 2f
	ret
2:	CALL_AND_RETURN rwsem_wake
END_FUNCTION up_read

# void up_write(struct rw_semaphore *sem)
FUNCTION up_write
	movl $-RWSEM_ACTIVE_WRITE_BIAS, %edx
	LOCK xaddl %edx, (%eax)
	js 1f
	ret
1:	decw %dx
	jz 2f
	ret
2:	CALL_AND_RETURN rwsem_wake
END_FUNCTION up_write

# void downgrade_write(struct rw_semaphore *sem)
FUNCTION downgrade_write
	LOCK addl $-RWSEM_WAITING_BIAS, (%eax)
	js 1f
	ret
1:	CALL_AND_RETURN rwsem_downgrade_wake
END_FUNCTION downgrade_write

# int down_read_trylock(struct rw_semaphore *sem)
FUNCTION down_read_trylock
	movl %eax, %ecx
	movl (%ecx), %eax
1:	movl %eax, %edx
	addl $RWSEM_ACTIVE_READ_BIAS, %edx
	jle 2f				# a writer, or somebody waits
	LOCK cmpxchgl %edx, (%ecx)
	jnz 1b
	movl $1, %eax
	ret
2:	xorl %eax, %eax
	ret
END_FUNCTION down_read_trylock

# int down_write_trylock(struct rw_semaphore *sem)
FUNCTION down_write_trylock
	movl %eax, %ecx
	xorl %eax, %eax
	movl $RWSEM_ACTIVE_WRITE_BIAS, %edx
	LOCK cmpxchgl %edx, (%ecx)
	sete %al
	movzbl %al, %eax
	ret
END_FUNCTION down_write_trylock
