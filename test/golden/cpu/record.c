/*
 * Records what a real CPU does with integer instructions, for test/emulator/cpu/host-cpu.test.ts.
 *
 *   gcc -m32 -O1 -o record record.c && ./record > instructions.tsv
 *
 * Each line: hexadecimal bytes; index of the ModRM byte or -; EFLAGS bits the manual leaves undefined; then EAX EBX ECX
 * EDX EFLAGS before and after ("DE" when it faults). Register operands are EBX (r/m) and EDX (reg).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef unsigned int u32;
enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048, ALL = CF | PF | AF | ZF | SF | OF };

/* Used from assembly. */
unsigned char *page;
u32 in[5], out[5];
static sigjmp_buf faulted;
static u32 seed = 1;

static u32 next_random(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed ^ (seed >> 15);
}

static u32 next_value(void) {
  static const u32 corners[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
                                0x80000000, 0xffffffff, 0x0f, 0x99, 0x9a};
  u32 r = next_random();
  return r & 0x10000 ? corners[(r >> 20) % (sizeof corners / sizeof corners[0])] : next_random();
}

static void on_fpe(int signal_number) {
  (void)signal_number;
  siglongjmp(faulted, 1);
}

static void run(const unsigned char *bytes, int length) {
  memcpy(page, bytes, length);
  page[length] = 0xc3;
  __asm__ volatile(
      "pushal\n\t"
      "pushl 16+in; popfl\n\t"
      "movl in, %%eax; movl 4+in, %%ebx; movl 8+in, %%ecx; movl 12+in, %%edx\n\t"
      "call *page\n\t"
      "movl %%eax, out; movl %%ebx, 4+out; movl %%ecx, 8+out; movl %%edx, 12+out\n\t"
      "pushfl; popl 16+out\n\t"
      "cld; popal" ::: "memory", "cc");
}

/* count is the shift count when it is known to matter, else -1; it is put into CL when cl is set. */
static void record(const unsigned char *bytes, int length, int modrm, u32 undefined, int cl) {
  int i;
  for (i = 0; i < 4; i++) in[i] = next_value();
  /* Dividends that fit their quotient more often than chance has it. */
  if (next_random() & 0x4000) in[3] = (int)in[0] >> 31;
  if (cl >= 0) in[2] = (in[2] & ~0xffu) | (u32)cl;
  in[4] = 0x202 | (next_random() >> 8 & ALL);
  for (i = 0; i < length; i++) printf("%02x", bytes[i]);
  if (modrm < 0) printf("\t-"); else printf("\t%d", modrm);
  printf("\t%x\t%x %x %x %x %x\t", undefined, in[0], in[1], in[2], in[3], in[4]);
  if (sigsetjmp(faulted, 1)) {
    printf("DE\n");
    return;
  }
  run(bytes, length);
  printf("%x %x %x %x %x\n", out[0], out[1], out[2], out[3], out[4] & (ALL | 0x402));
}

static int rows = 6;

/* size: 8, 16 or 32 chooses the prefix; opcode may be two bytes (0x0fxx); modrm < 0: none; imm: bytes of immediate. */
static void each(int size, int opcode, int modrm, int imm, u32 undefined) {
  int row, i;
  for (row = 0; row < rows; row++) {
    unsigned char bytes[16];
    int n = 0, at = -1;
    if (size == 16) bytes[n++] = 0x66;
    if (opcode > 0xff) bytes[n++] = opcode >> 8;
    bytes[n++] = opcode;
    if (modrm >= 0) at = n, bytes[n++] = modrm;
    u32 value = next_value();
    for (i = 0; i < imm; i++) bytes[n++] = value >> (8 * i);
    record(bytes, n, at, undefined, -1);
  }
}

/* Undefined flags of a shift (reg 4 to 7) or rotate by `count`. */
static u32 shift_undefined(int reg, int size, int count) {
  int masked = count & 31;
  u32 undefined = 0;
  if (masked == 0) return 0;
  if (masked != 1) undefined |= OF;
  if (reg >= 4) undefined |= AF;
  if (reg >= 4 && reg != 7 && masked >= size) undefined |= CF;
  return undefined;
}

static void shifts(int size, int opcode_imm, int opcode_one, int opcode_cl) {
  static const int counts[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 18, 25, 31, 32, 33, 0xff};
  int reg;
  unsigned i;
  for (reg = 0; reg < 8; reg++) {
    unsigned char bytes[8];
    int prefix = size == 16;
    if (prefix) bytes[0] = 0x66;
    bytes[prefix + 1] = 0xc0 | reg << 3 | 3;
    bytes[prefix] = opcode_one;
    for (i = 0; i < 4; i++) record(bytes, prefix + 2, prefix + 1, shift_undefined(reg, size, 1), -1);
    for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
      bytes[prefix] = opcode_cl;
      record(bytes, prefix + 2, prefix + 1, shift_undefined(reg, size, counts[i]), counts[i]);
      bytes[prefix] = opcode_imm;
      bytes[prefix + 2] = counts[i];
      record(bytes, prefix + 3, prefix + 1, shift_undefined(reg, size, counts[i]), -1);
    }
  }
}

static void double_shifts(int size) {
  static const int counts[] = {0, 1, 2, 5, 8, 13, 15, 16, 32, 33};
  static const int opcodes[] = {0xa4, 0xa5, 0xac, 0xad};
  unsigned i, k;
  for (k = 0; k < 4; k++) {
    for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
      unsigned char bytes[8];
      int n = 0, by_cl = opcodes[k] & 1, masked = counts[i] & 31;
      if (size == 16) bytes[n++] = 0x66;
      bytes[n++] = 0x0f;
      bytes[n++] = opcodes[k];
      bytes[n++] = 0xd3;
      if (!by_cl) bytes[n++] = counts[i];
      record(bytes, n, n - 1 - !by_cl, masked == 0 ? 0 : masked == 1 ? AF : AF | OF, by_cl ? counts[i] : -1);
    }
  }
}

int main(void) {
  static const int sizes[] = {16, 32};
  static const u32 mul_undefined = SF | ZF | AF | PF, bit_undefined = OF | SF | AF | PF;
  int i, n;
  page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  signal(SIGFPE, on_fpe);
  for (n = 0; n < 8; n++) {
    u32 undefined = n == 1 || n == 4 || n == 6 ? AF : 0;
    each(8, n * 8, 0xd3, 0, undefined);
    each(8, n * 8 + 2, 0xd3, 0, undefined);
    each(8, n * 8 + 4, -1, 1, undefined);
    each(8, 0x80, 0xc3 | n << 3, 1, undefined);
    for (i = 0; i < 2; i++) {
      each(sizes[i], n * 8 + 1, 0xd3, 0, undefined);
      each(sizes[i], n * 8 + 3, 0xd3, 0, undefined);
      each(sizes[i], n * 8 + 5, -1, sizes[i] / 8, undefined);
      each(sizes[i], 0x81, 0xc3 | n << 3, sizes[i] / 8, undefined);
      each(sizes[i], 0x83, 0xc3 | n << 3, 1, undefined);
    }
  }
  each(8, 0x84, 0xd3, 0, AF);
  each(8, 0xa8, -1, 1, AF);
  each(8, 0xf6, 0xc3, 1, AF);
  each(8, 0xfe, 0xc3, 0, 0);
  each(8, 0xfe, 0xcb, 0, 0);
  each(8, 0xf6, 0xd3, 0, 0);
  each(8, 0xf6, 0xdb, 0, 0);
  each(8, 0x86, 0xd3, 0, 0);
  each(8, 0x88, 0xd3, 0, 0);
  each(8, 0x8a, 0xd3, 0, 0);
  each(8, 0x0fb0, 0xd3, 0, 0);
  each(8, 0x0fc0, 0xd3, 0, 0);
  for (i = 0; i < 2; i++) {
    int size = sizes[i];
    each(size, 0x85, 0xd3, 0, AF);
    each(size, 0xa9, -1, size / 8, AF);
    each(size, 0xf7, 0xc3, size / 8, AF);
    each(size, 0xff, 0xc3, 0, 0);
    each(size, 0xff, 0xcb, 0, 0);
    each(size, 0x43, -1, 0, 0);
    each(size, 0x4a, -1, 0, 0);
    each(size, 0xf7, 0xd3, 0, 0);
    each(size, 0xf7, 0xdb, 0, 0);
    each(size, 0x87, 0xd3, 0, 0);
    each(size, 0x93, -1, 0, 0);
    each(size, 0x89, 0xd3, 0, 0);
    each(size, 0x8b, 0xd3, 0, 0);
    each(size, 0x98, -1, 0, 0);
    each(size, 0x99, -1, 0, 0);
    each(size, 0x0fb1, 0xd3, 0, 0);
    each(size, 0x0fc1, 0xd3, 0, 0);
    each(size, 0x0fb6, 0xd3, 0, 0);
    each(size, 0x0fb7, 0xd3, 0, 0);
    each(size, 0x0fbe, 0xd3, 0, 0);
    each(size, 0x0fbf, 0xd3, 0, 0);
    each(size, 0x0fbc, 0xd3, 0, ALL & ~ZF);
    each(size, 0x0fbd, 0xd3, 0, ALL & ~ZF);
    for (n = 0; n < 4; n++) {
      each(size, 0x0fa3 + 8 * n, 0xd3, 0, bit_undefined);
      each(size, 0x0fba, 0xe3 | n << 3, 1, bit_undefined);
    }
    for (n = 0; n < 16; n++) each(size, 0x0f40 + n, 0xd3, 0, 0);
    double_shifts(size);
  }
  each(32, 0x0fcb, -1, 0, 0);
  for (n = 0; n < 16; n++) each(8, 0x0f90 + n, 0xc3, 0, 0);
  rows = 16;
  for (n = 4; n < 8; n++) {
    u32 undefined = n < 6 ? mul_undefined : ALL;
    each(8, 0xf6, 0xc3 | n << 3, 0, undefined);
    for (i = 0; i < 2; i++) each(sizes[i], 0xf7, 0xc3 | n << 3, 0, undefined);
  }
  for (i = 0; i < 2; i++) {
    each(sizes[i], 0x0faf, 0xd3, 0, mul_undefined);
    each(sizes[i], 0x69, 0xd3, sizes[i] / 8, mul_undefined);
    each(sizes[i], 0x6b, 0xd3, 1, mul_undefined);
  }
  each(8, 0x27, -1, 0, OF);
  each(8, 0x2f, -1, 0, OF);
  each(8, 0x37, -1, 0, OF | SF | ZF | PF);
  each(8, 0x3f, -1, 0, OF | SF | ZF | PF);
  each(8, 0xd4, -1, 1, OF | AF | CF);
  each(8, 0xd5, -1, 1, OF | AF | CF);
  rows = 4;
  each(8, 0x9e, -1, 0, 0);
  each(8, 0x9f, -1, 0, 0);
  each(8, 0xf8, -1, 0, 0);
  each(8, 0xf9, -1, 0, 0);
  each(8, 0xf5, -1, 0, 0);
  each(8, 0xfc, -1, 0, 0);
  each(8, 0xfd, -1, 0, 0);
  each(8, 0xd6, -1, 0, 0);
  shifts(8, 0xc0, 0xd0, 0xd2);
  shifts(16, 0xc1, 0xd1, 0xd3);
  shifts(32, 0xc1, 0xd1, 0xd3);
  return 0;
}
