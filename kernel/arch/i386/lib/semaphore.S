# Semaphores, as long as nobody waits (include/asm-i386/semaphore.h). The semaphore's address comes in EAX; its count, how many
# may still take it, is the first word. kernel/semaphore.ts goes on from there.

#include <asm/dwarf2.h>
#include <asm/lock.h>
#include <linux/linkage.h>

.text
# void down(struct semaphore *sem)
FUNCTION down
	LOCK decl (%eax)
	js 1f
	ret
1:	CALL_AND_RETURN __down
END_FUNCTION down

# int down_interruptible(struct semaphore *sem)
FUNCTION down_interruptible
	LOCK decl (%eax)
	js 1f
	xorl %eax, %eax
	ret
1:	CALL_AND_RETURN __down_interruptible
END_FUNCTION down_interruptible

# int down_trylock(struct semaphore *sem)
FUNCTION down_trylock
	LOCK decl (%eax)
	js 1f
	xorl %eax, %eax
	ret
1:	CALL_AND_RETURN __down_trylock
END_FUNCTION down_trylock

# void up(struct semaphore *sem)
FUNCTION up
	LOCK incl (%eax)
	jle 1f
	ret
1:	CALL_AND_RETURN __up
END_FUNCTION up
