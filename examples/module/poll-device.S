# Uses the device of poll-device.ts in every way: without blocking, with poll and a time limit, with poll and select until another
# process has written or read. Says what it sees. System call 250 registers the device.

.set SYS_exit, 1
.set SYS_fork, 2
.set SYS_read, 3
.set SYS_write, 4
.set SYS_open, 5
.set SYS_close, 6
.set SYS_mknod, 14
.set SYS_ioctl, 54
.set SYS_wait4, 114
.set SYS_select, 142
.set SYS_nanosleep, 162
.set SYS_poll, 168
.set SYS_buf_init, 250
.set S_IFCHR, 0x2000
.set O_RDWR, 2
.set O_NONBLOCK, 04000
.set EAGAIN, 11
.set FIONREAD, 0x541b
.set POLLIN, 1

# Calls the kernel, the arguments as they stand.
.macro CALL number, b, c=$0, d=$0, si=$0, di=$0
	movl \b, %ebx
	movl \c, %ecx
	movl \d, %edx
	movl \si, %esi
	movl \di, %edi
	movl $\number, %eax
	int $0x80
.endm

# Exits with a status unless the last call returned so much.
.macro EXPECT value, status
	cmpl $\value, %eax
	movl $\status, %ebx
	jne fail
.endm

.macro SAY text, length
	CALL SYS_write, $1, $\text, $\length
.endm

.globl _start
_start:
	CALL SYS_buf_init, $0
	shll $8, %eax
	movl %eax, device
	CALL SYS_mknod, $path, $S_IFCHR | 0600, device
	EXPECT 0, 1
	CALL SYS_open, $path, $O_RDWR | O_NONBLOCK
	movl %eax, fd
	movl %eax, pollfd

	CALL SYS_read, fd, $bytes, $16
	EXPECT -EAGAIN, 2
	SAY empty, empty_length
	CALL SYS_poll, $pollfd, $1, $50		# nothing to read in 50 ms
	EXPECT 0, 3
	SAY late, late_length

	CALL SYS_fork, $0
	testl %eax, %eax
	jz writer
	CALL SYS_poll, $pollfd, $1, $-1		# until the child has written
	EXPECT 1, 4
	cmpw $POLLIN, revents
	movl $5, %ebx
	jne fail
	SAY ready, ready_length
	CALL SYS_ioctl, fd, $FIONREAD, $count
	movl count, %eax
	EXPECT 8, 6				# the child wanted to write 12, and sleeps or will do so
	CALL SYS_read, fd, $bytes, $3
	EXPECT 3, 7
	CALL SYS_wait4, $-1, $0
	CALL SYS_read, fd, $bytes, $16		# 5 of the first 8, and those that the child has written since
	EXPECT 8, 8

	CALL SYS_write, fd, $bytes, $16		# full
	EXPECT 8, 9
	CALL SYS_write, fd, $bytes, $16
	EXPECT -EAGAIN, 10
	SAY full, full_length
	CALL SYS_fork, $0
	testl %eax, %eax
	jz reader
	movl fd, %ecx
	movl $1, %eax
	shll %cl, %eax
	movl %eax, set
	incl %ecx
	movl %ecx, nfds
	CALL SYS_select, nfds, $0, $set		# until the child has read
	EXPECT 1, 11
	SAY room, room_length
	CALL SYS_wait4, $-1, $0
	CALL SYS_close, fd
	CALL SYS_exit, $0
fail:	movl $SYS_exit, %eax
	int $0x80

writer:	CALL SYS_nanosleep, $moment, $0
	CALL SYS_open, $path, $O_RDWR		# a file of its own, which blocks
	movl %eax, fd
	CALL SYS_write, fd, $bytes, $12
	EXPECT 8, 12
	CALL SYS_write, fd, $bytes, $4		# sleeps until there is room
	EXPECT 3, 13
	CALL SYS_exit, $0

reader:	CALL SYS_nanosleep, $moment, $0
	CALL SYS_read, fd, $bytes, $2
	CALL SYS_exit, $0

.data
.align 4
pollfd:	.long 0
	.word POLLIN
revents: .word 0
device:	.long 0
fd:	.long 0
count:	.long 0
set:	.long 0
nfds:	.long 0
moment:	.long 0, 20000000
bytes:	.ascii "0123456789abcdef"
path:	.asciz "/dev/buf"
empty:	.ascii "read: -EAGAIN, nothing is there\n"
.set empty_length, . - empty
late:	.ascii "poll: nothing came in 50 ms\n"
.set late_length, . - late
ready:	.ascii "poll: something can be read\n"
.set ready_length, . - ready
full:	.ascii "write: -EAGAIN, no room is left\n"
.set full_length, . - full
room:	.ascii "select: there is room again\n"
.set room_length, . - room
