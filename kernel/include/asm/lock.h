# What makes an instruction's load and store one access for other CPUs (LOCK_PREFIX of include/asm-i386/atomic.h). With one CPU
# an instruction is whole as it is.
#ifdef CONFIG_SMP
#define LOCK lock;
#else
#define LOCK
#endif
