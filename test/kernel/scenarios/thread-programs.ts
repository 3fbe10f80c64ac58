/** What programs that make threads have in common. */

/** 32-bit, data, page granular, useable: what a C library asks for. */
export const TLS_FLAGS = 0b1010001;

export const START = `
.set SYS_set_thread_area, 243
.set SYS_exit_group, 252
.set SYS_gettid, 224
.set SYS_futex, 240
.globl _start
_start:
`;

/** CLONE_VM, FS, FILES, SIGHAND, THREAD. */
export const THREAD = 0x10f00;

/** Makes a thread or process, which goes on at `thread`. */
export const CLONE = (flags: number) => `
	movl $120, %eax
	movl $${flags}, %ebx
	movl $stack, %ecx
	movl $parent_tid, %edx
	movl $area, %esi
	movl $child_tid, %edi
	int $0x80
	testl %eax, %eax
	jz thread
`;

export const THREAD_DATA = `
.data
.align 4
area:	.long 6, mine, 0xfffff, ${TLS_FLAGS}
mine:	.long 'T'
parent_tid: .long 0
child_tid: .long 0
word:	.long 0
tick:	.long 0, 50000000
status:	.long 0
.bss
.skip 4096
stack:
`;
