/*
 * Records what x87 instructions do on the CPU it runs on: state before and after, for edge operands and random ones,
 * all rounding modes, precision controls and exception masks. Build and run on an x86 machine:
 *
 *   gcc -m32 -O1 -o record record.c
 *   ./record | node -e 'const z = require("zlib"), fs = require("fs");
 *     fs.writeFileSync("x87.bin", z.deflateSync(fs.readFileSync(0), { level: 9 }))'
 *
 * Output: two tables, each the number of records (32 bits), bytes in a record (32 bits), then the records by columns:
 * byte 0 of all records, byte 1 of all records, and so on. Registers and memory after are XORed with those before, so that what does
 * not change compresses to nothing. Instructions run at CODE with their memory operand at DATA.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CODE 0x10000
#define DATA 0x20000
#define MAXIMUM 200000

typedef struct __attribute__((packed)) {
  uint64_t significand;
  uint16_t exponent;
} Real;

typedef struct __attribute__((packed)) {
  uint8_t opcode, modrm;
  uint16_t control, status;
  /* Bit i: ST(i) is not empty. */
  uint8_t occupied;
  /* ST(0) to ST(2); ST(3) to ST(7) are FILLER + i. */
  Real before[3];
  uint8_t memory[10];
  uint8_t eflags;
  uint16_t status_after, tags_after;
  /* What was ST(-1), ST(0), ST(1), ST(2) before, XORed; ST(-1) with zeros. */
  Real after[4];
  uint8_t memory_after[10];
  uint16_t eflags_after, ax_after, control_after;
} Record;

typedef struct __attribute__((packed)) {
  uint32_t control, status, tags, ip, cs_opcode, dp, ds;
  Real st[8];
} Save;

/* FNSTENV, FLDENV, FNSAVE, FRSTOR: the state as FRSTOR loads and FNSAVE stores it, and the area in memory. */
typedef struct __attribute__((packed)) {
  /* 1 for a 66 prefix. */
  uint8_t prefix, opcode, modrm;
  Save before, after;
  uint8_t area[108], area_after[108];
} AreaRecord;

#define AREAS 160

static Record records[MAXIMUM];
static uint32_t count;
static AreaRecord areas[AREAS];

static struct {
  Save in, out;
  uint32_t eflags, eax;
} *state;

static uint64_t seed = 88172645463325252ull;
static uint64_t random64(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed * 2685821657736338717ull;
}
static uint32_t below(uint32_t n) { return (uint32_t)((random64() >> 32) % n); }

/* ---- Operands -------------------------------------------------------------------------------------------------- */

static const Real EDGES[] = {
    {0, 0},                          /* zeros */
    {0, 0x8000},
    {0x8000000000000000, 0x3fff},    /* 1 */
    {0x8000000000000000, 0xbfff},
    {0x8000000000000000, 0x3ffe},    /* 1/2 */
    {0xc000000000000000, 0xbfff},    /* -1.5 */
    {0xa000000000000000, 0x4000},    /* 2.5 */
    {0xe000000000000000, 0xc000},    /* -3.5 */
    {0x8000000000000001, 0x3fff},    /* next to 1 */
    {0xffffffffffffffff, 0x3ffe},
    {1, 0},                          /* denormals */
    {0x8001, 0x8000},
    {0x7fffffffffffffff, 0},
    {0x4000000000000000, 0x8000},
    {0x8000000000000000, 0},         /* pseudo-denormals */
    {0xffffffffffffffff, 0x8000},
    {0x8000000000000000, 1},         /* smallest normal */
    {0xffffffffffffffff, 1},
    {0xffffffffffffffff, 0x7ffe},    /* largest */
    {0x8000000000000000, 0xfffe},
    {0x8000000000000000, 0x7fff},    /* infinities */
    {0x8000000000000000, 0xffff},
    {0xc000000000000000, 0x7fff},    /* quiet NaNs */
    {0xc000000000000000, 0xffff},
    {0xc123456789abcdef, 0x7fff},
    {0xffffffffffffffff, 0xffff},
    {0x8000000000000001, 0x7fff},    /* signaling NaNs */
    {0xbfffffffffffffff, 0xffff},
    {0x8123456789abcdef, 0x7fff},
    {0x0000000000000000, 0x7fff},    /* pseudo-infinity, pseudo-NaN, unnormals */
    {0x4000000000000001, 0xffff},
    {0x7fffffffffffffff, 0x3fff},
    {0x0000000000000000, 0x4001},
    {0xffffff0000000000, 0x407e},    /* around the largest single */
    {0xffffff7fffffffff, 0x407e},
    {0xffffff8000000000, 0xc07e},
    {0x8000000000000000, 0x3f81},    /* around the smallest normal single */
    {0xffffff8000000000, 0x3f80},
    {0xffffff7fffffffff, 0xbf80},
    {0x8000000000000000, 0x3f6a},    /* smallest denormal single, half of it */
    {0x8000000000000000, 0x3f69},
    {0x8000000000000001, 0x3f69},
    {0xfffffffffffff800, 0x43fe},    /* around the largest double */
    {0xfffffffffffffc00, 0x43fe},
    {0xfffffffffffffbff, 0xc3fe},
    {0x8000000000000000, 0x3c01},    /* around the smallest normal double */
    {0xfffffffffffffc00, 0x3c00},
    {0x8000000000000000, 0x3bcd},    /* smallest denormal double, half of it */
    {0x8000000000000000, 0x3bcc},
    {0xfffe000000000000, 0x400d},    /* 32767, 32767.5, -32768, -32768.5 */
    {0xffff000000000000, 0x400d},
    {0x8000000000000000, 0xc00e},
    {0x8000800000000000, 0xc00e},
    {0xfffffffe00000000, 0x401d},    /* the same for 32 bits */
    {0xffffffff00000000, 0x401d},
    {0x8000000000000000, 0xc01e},
    {0x8000000080000000, 0xc01e},
    {0xfffffffffffffffe, 0x403d},    /* 2^63 - 1/2, 2^63, -2^63 */
    {0x8000000000000000, 0x403e},
    {0x8000000000000000, 0xc03e},
    {0xde0b6b3a763fffff, 0x403a},    /* around 10^18 */
    {0xde0b6b3a76400000, 0x403a},
    {0xffffff8000000000, 0x3fff},    /* halfway and next to it, for 24 bits */
    {0x8000008000000000, 0x3fff},
    {0x8000008000000001, 0xbfff},
    {0x8000000000000400, 0x3fff},    /* halfway, for 53 bits */
    {0xfffffffffffffc00, 0xbfff},
    {0x8000000000000401, 0x3fff},
    {0xc90fdaa22168c235, 0x4000},    /* pi */
    {0xc90fdaa22168c235, 0x3ffe},
};
static const Real FILLER = {0x8765432187654321, 0x4010};
#define EDGE_COUNT (sizeof EDGES / sizeof *EDGES)

static uint64_t pattern(void) {
  uint64_t value = random64();
  switch (below(5)) {
  case 0:
    return value;
  case 1: /* few bits */
    return random64() & random64() & random64() & random64();
  case 2: /* a run of ones from the top */
    return ~0ull << below(63);
  case 3: /* next to a short number */
    return (value & (~0ull << (20 + below(40)))) + below(3) - 1;
  default: /* next to halfway between short numbers */
    return ((value | 0x400) & ~0x3ffull) + below(3) - 1;
  }
}

static Real number(int spread) {
  Real x = {pattern() | 0x8000000000000000ull, 0};
  x.exponent = (uint16_t)(0x3fff - spread + (int)below(2 * spread + 1)) | (random64() & 0x8000);
  return x;
}

static Real any_real(void) {
  switch (below(8)) {
  case 0:
  case 1:
    return EDGES[below(EDGE_COUNT)];
  case 2: {
    Real x = number(0);
    x.exponent = below(80) | (x.exponent & 0x8000);
    if (x.exponent % 0x8000 == 0) x.significand >>= 1 + below(63);
    return x;
  }
  case 3: {
    Real x = number(0);
    x.exponent = (0x7ffe - below(80)) | (x.exponent & 0x8000);
    return x;
  }
  case 4:
    return number(1100);
  default:
    return number(70);
  }
}

/* Sizes of memory operands: S single, D double, X extended, W word, L long, Q quad, B decimal, N none. */
static void fill_memory(char kind, uint8_t *memory) {
  static const uint32_t singles[] = {0, 0x80000000, 1, 0x807fffff, 0x00800000, 0x7f7fffff, 0xff800000, 0x7f800000,
                                     0x7f800001, 0xffbfffff, 0x7fc00000, 0xffc12345, 0x3f800000, 0xbfc00000};
  static const uint64_t doubles[] = {0, 0x8000000000000000, 1, 0x800fffffffffffff, 0x0010000000000000,
                                     0x7fefffffffffffff, 0xfff0000000000000, 0x7ff0000000000000, 0x7ff0000000000001,
                                     0xfff7ffffffffffff, 0x7ff8000000000000, 0xfff8123456789abc, 0x3ff0000000000000,
                                     0xbff8000000000000, 0x00000000ffffffff, 0x8000000100000000};
  static const int64_t integers[] = {0, 1, -1, 2, 10, 0x7f, 0x7fff, -0x8000, 0x7fffffff, -0x80000000ll,
                                     0x7fffffffffffffff, (int64_t)0x8000000000000000, 0xffffff, 0x1fffffffffffff};
  uint64_t value = random64();
  int edge = below(3) == 0;
  Real x;
  memset(memory, 0x5a, 10);
  switch (kind) {
  case 'N':
    break;
  case 'S': {
    uint32_t single = edge ? singles[below(sizeof singles / 4)] : (uint32_t)value;
    if (!edge && below(2)) single = (single & 0x807fffff) | ((100 + below(56)) << 23);
    memcpy(memory, &single, 4);
    break;
  }
  case 'D':
    if (edge) value = doubles[below(sizeof doubles / 8)];
    else if (below(2)) value = (value & 0x800fffffffffffff) | ((uint64_t)(990 + below(66)) << 52);
    memcpy(memory, &value, 8);
    break;
  case 'X':
    x = any_real();
    memcpy(memory, &x, 10);
    break;
  case 'B':
    for (int i = 0; i < 9; i++) memory[i] = below(10) | below(10) << 4;
    if (below(4) == 0) memset(memory, below(2) ? 0 : 0x99, 9);
    if (below(4) == 0) memset(memory + 3, 0, 6);
    memory[9] = random64() & 0x80;
    break;
  default:
    if (edge) value = integers[below(sizeof integers / 8)];
    else if (below(2)) value = (int64_t)value >> below(63);
    memcpy(memory, &value, kind == 'W' ? 2 : kind == 'L' ? 4 : 8);
  }
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static uint8_t *emit32(uint8_t *code, uint32_t value) {
  memcpy(code, &value, 4);
  return code + 4;
}

static void run(uint8_t opcode, uint8_t modrm, uint16_t control, uint16_t status, uint8_t occupied, const Real *before,
                const uint8_t *memory, uint8_t eflags) {
  Record *record = &records[count++];
  uint8_t *code = (uint8_t *)CODE;
  uint8_t *operand = (uint8_t *)DATA;
  int top = (status >> 11) & 7;
  if (count > MAXIMUM) abort();

  memset(&state->in, 0, sizeof state->in);
  state->in.control = 0xffff0000 | control;
  state->in.status = 0xffff0000 | status;
  uint32_t tags = 0;
  for (int i = 0; i < 8; i++) {
    if (i < 3) state->in.st[i] = before[i];
    else {
      state->in.st[i] = FILLER;
      state->in.st[i].significand += i;
    }
    if (!(occupied >> i & 1)) tags |= 3 << (2 * ((top + i) & 7));
  }
  state->in.tags = 0xffff0000 | tags;
  memcpy(operand, memory, 10);

  /* The instruction itself is at CODE. */
  uint8_t *p = code + 0x100;
  *p++ = 0x53; /* push %ebx */
  *p++ = 0xdd, *p++ = 0x25, p = emit32(p, (uint32_t)&state->in); /* frstor */
  *p++ = 0xb8, p = emit32(p, 0x1234);                            /* mov $0x1234, %eax */
  *p++ = 0x68, p = emit32(p, 0x202 | eflags);                    /* push $eflags */
  *p++ = 0x9d;                                                   /* popf */
  *p++ = 0xe9, p = emit32(p, (uint32_t)(code - (p + 4)));        /* jmp CODE */
  p = code;
  *p++ = opcode, *p++ = modrm;
  if (modrm < 0xc0) p = emit32(p, DATA);
  *p++ = 0x9c;                                                   /* pushf */
  *p++ = 0x8f, *p++ = 0x05, p = emit32(p, (uint32_t)&state->eflags); /* pop */
  *p++ = 0xa3, p = emit32(p, (uint32_t)&state->eax);             /* mov %eax, */
  *p++ = 0xdd, *p++ = 0x35, p = emit32(p, (uint32_t)&state->out); /* fnsave */
  *p++ = 0x5b, *p++ = 0xc3;                                      /* pop %ebx; ret */
  ((void (*)(void))(code + 0x100))();

  const Save *out = &state->out;
  int top_after = (out->status >> 11) & 7;
  record->opcode = opcode;
  record->modrm = modrm;
  record->control = control;
  record->status = status;
  record->occupied = occupied;
  memcpy(record->before, before, sizeof record->before);
  memcpy(record->memory, memory, 10);
  record->eflags = eflags;
  record->status_after = out->status;
  record->tags_after = out->tags;
  for (int i = -1; i < 7; i++) {
    Real after = out->st[(top + i - top_after) & 7];
    Real was = state->in.st[i & 7];
    if (i < 3) {
      if (i >= 0) {
        after.significand ^= was.significand;
        after.exponent ^= was.exponent;
      }
      record->after[i + 1] = after;
    } else if (memcmp(&after, &was, 10) != 0) {
      fprintf(stderr, "%02x %02x changed ST(%d)\n", opcode, modrm, i);
      abort();
    }
  }
  for (int i = 0; i < 10; i++) record->memory_after[i] = operand[i] ^ memory[i];
  record->eflags_after = state->eflags & 0x8d5;
  record->ax_after = (uint16_t)state->eax;
  record->control_after = (uint16_t)out->control;
}

static void random_area(uint8_t *area) {
  for (int i = 0; i < 108; i++) area[i] = random64() >> 32;
  for (int i = 0; i < 8; i++) {
    Real x = any_real();
    if (below(2)) memcpy(area + 28 + 10 * i, &x, 10);
  }
}

static void run_area(uint32_t n) {
  AreaRecord *record = &areas[n];
  uint8_t *p = (uint8_t *)CODE, *area = (uint8_t *)DATA;
  static const uint8_t instructions[4][2] = {{0xd9, 0x35}, {0xd9, 0x25}, {0xdd, 0x35}, {0xdd, 0x25}};
  record->prefix = n >> 2 & 1;
  record->opcode = instructions[n & 3][0];
  record->modrm = instructions[n & 3][1];
  random_area((uint8_t *)&record->before);
  /* Nothing pending before the instruction. */
  record->before.status &= ~0x3f | record->before.control;
  memcpy(&state->in, &record->before, sizeof(Save));
  random_area(record->area);
  memcpy(area, record->area, 108);
  *p++ = 0xdd, *p++ = 0x25, p = emit32(p, (uint32_t)&state->in);  /* frstor */
  if (record->prefix) *p++ = 0x66;
  *p++ = record->opcode, *p++ = record->modrm, p = emit32(p, DATA);
  *p++ = 0xdd, *p++ = 0x35, p = emit32(p, (uint32_t)&state->out); /* fnsave */
  *p++ = 0xc3;
  ((void (*)(void))CODE)();
  memcpy(&record->after, &state->out, sizeof(Save));
  memcpy(record->area_after, area, 108);
  for (int i = 0; i < 108; i++) record->area_after[i] ^= record->area[i];
}

/* ---- What to run ------------------------------------------------------------------------------------------------ */

static uint16_t any_control(void) {
  static const uint16_t precisions[] = {0x000, 0x200, 0x300, 0x300, 0x000, 0x200, 0x100};
  uint16_t control = 0x40 | below(4) << 10 | precisions[below(7)];
  return control | (below(4) == 0 ? random64() & 0x3f : 0x3f);
}

/* Any condition codes and any top; exceptions only where they are masked. */
static uint16_t any_status(uint16_t control) {
  uint16_t status = (random64() & 0x4700) | below(8) << 11;
  if (below(4) == 0) status |= random64() & control & 0x3f;
  return status;
}

static void one(uint8_t opcode, uint8_t modrm, char kind, Real st0, Real st1) {
  uint8_t memory[10];
  uint16_t control = any_control();
  Real before[3] = {st0, st1, (modrm & 0xc7) == 0xc2 ? any_real() : FILLER};
  uint8_t occupied = 0x07;
  /* Over- and underflow of the stack. */
  if (below(16) == 0) occupied = random64();
  else if (below(3) == 0) occupied = 0x7f;
  fill_memory(kind, memory);
  run(opcode, modrm, control, any_status(control), occupied, before, memory, random64() & 0xd5);
}

/* ST(1), for instructions that use it. */
static Real second(uint8_t opcode, uint8_t modrm) {
  int used = opcode == 0xd9 ? modrm == 0xf8 || modrm == 0xf9 || modrm == 0xfd || modrm == 0xf5 || modrm == 0xf3 || modrm == 0xf1 || modrm == 0xc9 ||
                                  modrm == 0xc1
                            : (modrm & 0xc7) == 0xc1;
  return used ? any_real() : FILLER;
}

static void many(uint8_t opcode, uint8_t modrm, char kind, int times) {
  for (int n = 0; n < times; n++) one(opcode, modrm, kind, any_real(), second(opcode, modrm));
}

/* Each edge operand in ST(0), several times. */
static void edges(uint8_t opcode, uint8_t modrm, char kind, int times) {
  for (unsigned i = 0; i < EDGE_COUNT; i++) {
    for (int n = 0; n < times; n++) one(opcode, modrm, kind, EDGES[i], second(opcode, modrm));
  }
}

static void pairs(uint8_t opcode, uint8_t modrm) {
  for (unsigned i = 0; i < EDGE_COUNT; i++) {
    for (unsigned j = 0; j < EDGE_COUNT; j++) one(opcode, modrm, 'N', EDGES[i], EDGES[j]);
  }
}

/* Some of all pairs. */
static void edge_sample(uint8_t opcode, uint8_t modrm, int times) {
  for (int n = 0; n < times; n++) one(opcode, modrm, 'N', EDGES[below(EDGE_COUNT)], EDGES[below(EDGE_COUNT)]);
}

static void register_row(uint8_t opcode, int reg, int times) {
  for (int i = 0; i < 3; i++) many(opcode, 0xc0 | reg << 3 | i, 'N', times);
}

static void close_pairs(uint8_t opcode, uint8_t modrm, int times) {
  for (int n = 0; n < times; n++) one(opcode, modrm, 'N', number(3), number(3));
}

/* Arguments within the documented range of an instruction, with and without a second operand. */
static void in_range(uint8_t opcode, uint8_t modrm, int highest, int times) {
  for (int n = 0; n < times; n++) {
    Real x = number(0);
    int depth = below(8) == 0 ? 16000 : below(2) ? 70 : 4;
    x.exponent = (uint16_t)(highest - (int)below(depth)) | (x.exponent & 0x8000);
    if (modrm == 0xf9) {
      /* FYL2XP1: within 1 - sqrt(2)/2. */
      if ((x.exponent & 0x7fff) == 0x3ffd && x.significand > 0x95f6000000000000ull) x.significand &= 0x8fffffffffffffff;
    }
    if (modrm == 0xf1 && below(8)) x.exponent &= 0x7fff;
    Real y = second(opcode, modrm);
    one(opcode, modrm, 'N', x, y.significand == FILLER.significand || below(4) == 0 ? y : number(70));
  }
}

static void write_table(const void *table, uint32_t rows, uint32_t size) {
  fwrite(&rows, 4, 1, stdout);
  fwrite(&size, 4, 1, stdout);
  for (uint32_t byte = 0; byte < size; byte++) {
    for (uint32_t n = 0; n < rows; n++) fputc(((const uint8_t *)table)[n * size + byte], stdout);
  }
}

int main(void) {
  if (mmap((void *)CODE, 0x20000, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
      (void *)CODE) {
    perror("mmap");
    return 1;
  }
  state = (void *)(DATA + 0x1000);

  static const int operations[] = {0, 1, 4, 5, 6, 7};
  for (int n = 0; n < 6; n++) {
    int reg = operations[n];
    if (reg != 5 && reg != 7) pairs(0xd8, 0xc1 | reg << 3);
    many(0xd8, 0xc1 | reg << 3, 'N', 600);
    close_pairs(0xd8, 0xc1 | reg << 3, 250);
    register_row(0xd8, reg, 30);
    register_row(0xdc, reg, 60);
    register_row(0xde, reg, 60);
    many(0xd8, 0x05 | reg << 3, 'S', 180);
    many(0xdc, 0x05 | reg << 3, 'D', 180);
    many(0xda, 0x05 | reg << 3, 'L', 120);
    many(0xde, 0x05 | reg << 3, 'W', 120);
  }
  /* FCOM, FCOMP, FICOM, FICOMP and their aliases. */
  for (int reg = 2; reg < 4; reg++) {
    many(0xd8, 0x05 | reg << 3, 'S', 150);
    many(0xdc, 0x05 | reg << 3, 'D', 150);
    many(0xda, 0x05 | reg << 3, 'L', 80);
    many(0xde, 0x05 | reg << 3, 'W', 80);
    register_row(0xd8, reg, 150);
    register_row(0xdc, reg, 20);
  }
  register_row(0xde, 2, 20);
  many(0xde, 0xd9, 'N', 150);
  for (int reg = 4; reg < 6; reg++) register_row(0xdd, reg, 150);
  many(0xda, 0xe9, 'N', 150);
  for (int reg = 5; reg < 7; reg++) {
    register_row(0xdb, reg, 150);
    register_row(0xdf, reg, 80);
  }
  /* FXCH, FLD, FST, FSTP, FFREE, FFREEP and aliases; FCMOVcc. */
  register_row(0xd9, 0, 60);
  register_row(0xd9, 1, 60);
  register_row(0xd9, 3, 30);
  for (int reg = 0; reg < 4; reg++) {
    register_row(0xdd, reg, 40);
    register_row(0xdf, reg, 25);
    register_row(0xda, reg, 60);
    register_row(0xdb, reg, 60);
  }
  /* Loads and stores. */
  many(0xd9, 0x05, 'S', 400);
  many(0xdd, 0x05, 'D', 400);
  many(0xdb, 0x2d, 'X', 300);
  many(0xdf, 0x05, 'W', 150);
  many(0xdb, 0x05, 'L', 150);
  many(0xdf, 0x2d, 'Q', 300);
  many(0xdf, 0x25, 'B', 300);
  for (int reg = 2; reg < 4; reg++) {
    edges(0xd9, 0x05 | reg << 3, 'N', 10);
    many(0xd9, 0x05 | reg << 3, 'N', 300);
    edges(0xdd, 0x05 | reg << 3, 'N', 10);
    many(0xdd, 0x05 | reg << 3, 'N', 300);
    edges(0xdf, 0x05 | reg << 3, 'N', 8);
    edges(0xdb, 0x05 | reg << 3, 'N', 8);
    many(0xdb, 0x05 | reg << 3, 'N', 300);
  }
  edges(0xdb, 0x3d, 'N', 4);
  edges(0xdf, 0x3d, 'N', 8);
  many(0xdf, 0x3d, 'N', 500);
  edges(0xdf, 0x35, 'N', 8);
  many(0xdf, 0x35, 'N', 500);
  for (int i = 0; i < 7; i++) many(0xd9, 0xe8 | i, 'N', 50);
  /* FCHS, FABS, FTST, FXAM, FDECSTP, FINCSTP, FNOP. */
  edges(0xd9, 0xe0, 'N', 2);
  edges(0xd9, 0xe1, 'N', 2);
  edges(0xd9, 0xe4, 'N', 4);
  edges(0xd9, 0xe5, 'N', 4);
  many(0xd9, 0xf6, 'N', 30);
  many(0xd9, 0xf7, 'N', 30);
  many(0xd9, 0xd0, 'N', 30);
  /* FSQRT, FRNDINT, FXTRACT, FSCALE, FPREM, FPREM1. */
  edges(0xd9, 0xfa, 'N', 12);
  many(0xd9, 0xfa, 'N', 1200);
  edges(0xd9, 0xfc, 'N', 12);
  many(0xd9, 0xfc, 'N', 600);
  edges(0xd9, 0xf4, 'N', 4);
  many(0xd9, 0xf4, 'N', 200);
  edge_sample(0xd9, 0xfd, 2000);
  many(0xd9, 0xfd, 'N', 400);
  for (int n = 0; n < 400; n++) {
    Real x = number(14);
    one(0xd9, 0xfd, 'N', any_real(), x);
  }
  edge_sample(0xd9, 0xf8, 2500);
  many(0xd9, 0xf8, 'N', 600);
  close_pairs(0xd9, 0xf8, 300);
  edge_sample(0xd9, 0xf5, 2500);
  many(0xd9, 0xf5, 'N', 600);
  close_pairs(0xd9, 0xf5, 300);
  /* Transcendental functions. */
  static const uint8_t circular[] = {0xfe, 0xff, 0xfb, 0xf2};
  for (int n = 0; n < 4; n++) {
    edges(0xd9, circular[n], 'N', 4);
    in_range(0xd9, circular[n], 0x4006, 500);
    in_range(0xd9, circular[n], 0x403f, 200);
  }
  /* F2XM1 is not defined beyond -1 and 1. */
  for (unsigned i = 0; i < EDGE_COUNT; i++) {
    uint16_t exponent = EDGES[i].exponent & 0x7fff;
    if (exponent < 0x3fff || exponent == 0x7fff || i == 2 || i == 3) {
      for (int n = 0; n < 4; n++) one(0xd9, 0xf0, 'N', EDGES[i], any_real());
    }
  }
  in_range(0xd9, 0xf0, 0x3ffe, 600);
  edge_sample(0xd9, 0xf1, 1500);
  in_range(0xd9, 0xf1, 0x4050, 700);
  in_range(0xd9, 0xf1, 0x4000, 300);
  edge_sample(0xd9, 0xf3, 1500);
  many(0xd9, 0xf3, 'N', 700);
  close_pairs(0xd9, 0xf3, 300);
  for (unsigned i = 0; i < EDGE_COUNT; i++) {
    uint16_t exponent = EDGES[i].exponent & 0x7fff;
    if (exponent < 0x3ffd || exponent == 0x7fff) {
      for (unsigned j = 0; j < EDGE_COUNT; j++) one(0xd9, 0xf9, 'N', EDGES[i], EDGES[j]);
    }
  }
  in_range(0xd9, 0xf9, 0x3ffd, 700);
  /* FLDCW, FNSTCW, FNSTSW, FNCLEX, FNINIT and what is ignored. */
  many(0xd9, 0x3d, 'N', 40);
  many(0xdd, 0x3d, 'N', 40);
  many(0xdf, 0xe0, 'N', 40);
  for (int i = 0; i < 5; i++) many(0xdb, 0xe0 | i, 'N', 40);
  many(0xd9, 0x2d, 'W', 150);

  for (uint32_t n = 0; n < AREAS; n++) run_area(n);

  write_table(records, count, sizeof(Record));
  write_table(areas, AREAS, sizeof(AreaRecord));
  fprintf(stderr, "%u records\n", count);
  return 0;
}
