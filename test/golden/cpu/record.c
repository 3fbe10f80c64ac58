/*
 * Runs vectors on the CPU it is on, in user mode, and records what they did. Started by record.mjs:
 *
 *   record < inputs > outputs
 *
 * Both are arrays of the structures below. Every vector ends in an exception, be it the INT3 that all code memory
 * around it holds, so one signal handler does all the work: it records the state that the exception left, and returns
 * into the state that the next vector starts from. The address space is that of test/emulator/cpu/host-cpu/environment.ts.
 *
 * Needs a 64-bit x86 Linux with modify_ldt, and leave to map memory at 0x4000 (vm.mmap_min_addr).
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { REGISTERS = 8, SEGMENTS = 6, PATCHES = 8, CODE_BYTES = 64, WINDOW_WORDS = 160, MODES = 2 };

struct input {
  uint32_t mode, length, patches, eflags;
  uint32_t registers[REGISTERS];
  struct { uint32_t address, value; } patch[PATCHES];
  uint8_t code[CODE_BYTES];
};

struct output {
  uint32_t trap, error, cr2, eip, eflags;
  uint32_t registers[REGISTERS];
  uint32_t segments[SEGMENTS];
  uint32_t memory[WINDOW_WORDS];
};

enum { CODE = 0x4800, CODE_START = 0x4000, CODE_END = 0x6000, READ_ONLY = 0xa000 };

static const struct { uint32_t start, end; } pages[] = {{0x7000, 0x9000}, {0xa000, 0xb000}, {0xb000, 0xd000}},
                                             windows[] = {{0x7f80, 0x8080}, {0x8fc0, 0x9000}, {0xb000, 0xb040}, {0xbfc0, 0xc0c0}};

/* ES CS SS DS FS GS, by mode. */
static const uint16_t selectors[MODES][SEGMENTS] = {{0x2b, 0x23, 0x2b, 0x2b, 0x6b, 0x73},
                                                    {0x0f, 0x07, 0x0f, 0x0f, 0x6b, 0x73}};

static const int register_slots[REGISTERS] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
static const int segment_slots[SEGMENTS] = {REG_ES, REG_CS, REG_SS, REG_DS, REG_FS, REG_GS};

static struct input *inputs;
static struct output *outputs;
static size_t count, current;
static int started;
static gregset_t saved;

static uint32_t initial_memory(uint32_t address) { return (address ^ 0x5bd1e995u) * 0x9e3779b1u; }

static void fill(uint32_t start, uint32_t end) {
  uint32_t address;
  for (address = start; address < end; address += 4) *(volatile uint32_t *)address = initial_memory(address);
}

static void record(const ucontext_t *context, struct output *output) {
  const greg_t *state = context->uc_mcontext.gregs;
  unsigned i, n = 0;
  uint32_t address;
  output->trap = state[REG_TRAPNO];
  output->error = state[REG_ERR];
  output->cr2 = context->uc_mcontext.cr2;
  output->eip = state[REG_EIP];
  output->eflags = state[REG_EFL];
  for (i = 0; i < REGISTERS; i++) output->registers[i] = state[register_slots[i]];
  for (i = 0; i < SEGMENTS; i++) output->segments[i] = state[segment_slots[i]] & 0xffff;
  for (i = 0; i < sizeof windows / sizeof windows[0]; i++) {
    for (address = windows[i].start; address < windows[i].end; address += 4) {
      output->memory[n++] = *(volatile uint32_t *)address;
    }
    fill(windows[i].start, windows[i].end);
  }
}

static void start(ucontext_t *context, const struct input *input) {
  greg_t *state = context->uc_mcontext.gregs;
  volatile uint8_t *code = (volatile uint8_t *)CODE;
  unsigned i;
  for (i = 0; i < input->patches; i++) {
    memcpy((void *)input->patch[i].address, &input->patch[i].value, 4);
  }
  for (i = 0; i < CODE_BYTES; i++) code[i] = i < input->length ? input->code[i] : 0xcc;
  for (i = 0; i < REGISTERS; i++) state[register_slots[i]] = input->registers[i];
  for (i = 0; i < SEGMENTS; i++) state[segment_slots[i]] = selectors[input->mode][i];
  state[REG_EIP] = CODE;
  state[REG_EFL] = input->eflags | 0x202;
}

/* Must not use thread-local storage: GS belongs to the vectors. */
static void on_exception(int signal_number, siginfo_t *info, void *argument) {
  ucontext_t *context = argument;
  (void)signal_number, (void)info;
  /* NT, AC and ID outlive the exception. */
  __asm__ volatile("pushl $0x202; popfl" ::: "memory", "cc");
  if (!started) {
    memcpy(saved, context->uc_mcontext.gregs, sizeof saved);
    started = 1;
  } else {
    record(context, &outputs[current++]);
  }
  if (current < count) start(context, &inputs[current]);
  else memcpy(context->uc_mcontext.gregs, saved, sizeof saved);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void describe(int function, unsigned entry, uint32_t base, uint32_t limit, int big, int contents, int read_only,
                     int in_pages, int absent) {
  struct user_desc segment = {.entry_number = entry, .base_addr = base, .limit = limit, .seg_32bit = big,
                              .contents = contents, .read_exec_only = read_only, .limit_in_pages = in_pages,
                              .seg_not_present = absent};
  long result = function ? syscall(SYS_modify_ldt, 0x11, &segment, sizeof segment)
                         : syscall(SYS_set_thread_area, &segment);
  if (result != 0) fail("segment");
}

static void describe_segments(void) {
  describe(0, 13, 0x7fc0, 0x3f, 1, 0, 0, 0, 0);
  describe(0, 14, 0x7000, 0xf7f, 1, 1, 0, 0, 0);
  describe(1, 0, 0, 0xffff, 0, 2, 0, 0, 0);
  describe(1, 1, 0, 0xffff, 0, 0, 0, 0, 0);
  describe(1, 2, 0x7f80, 0xff, 1, 0, 1, 0, 0);
  describe(1, 3, 0, 0xfffff, 1, 2, 1, 1, 0);
  describe(1, 4, 0, 0xffff, 1, 0, 0, 0, 1);
  describe(1, 5, 0, 0x7fff, 0, 1, 0, 0, 0);
  describe(1, 6, 0, 0xfffff, 1, 3, 0, 1, 1);
  describe(1, 8, 0, 0xbfff, 1, 0, 0, 0, 0);
}

static void map(uint32_t start, uint32_t end) {
  void *wanted = (void *)start;
  int protection = PROT_READ | PROT_WRITE | (start == CODE_START ? PROT_EXEC : 0);
  if (mmap(wanted, end - start, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != wanted) {
    fail("mmap");
  }
}

/* A vector that wrote elsewhere would have changed what later ones read. */
static void check_memory(void) {
  unsigned i;
  uint32_t address;
  for (i = 0; i < sizeof pages / sizeof pages[0]; i++) {
    for (address = pages[i].start; address < pages[i].end; address += 4) {
      if (*(volatile uint32_t *)address != initial_memory(address)) {
        fprintf(stderr, "a vector wrote to %#x, outside the windows\n", address);
        exit(1);
      }
    }
  }
  for (address = CODE_START; address < CODE_END; address++) {
    if ((address < CODE || address >= CODE + CODE_BYTES) && *(volatile uint8_t *)address != 0xcc) {
      fprintf(stderr, "a vector wrote to code at %#x\n", address);
      exit(1);
    }
  }
}

int main(void) {
  static const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  struct sigaction action = {.sa_sigaction = on_exception, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  size_t capacity = 1 << 12, got;
  unsigned i;
  inputs = malloc(capacity * sizeof *inputs);
  while ((got = fread(inputs + count, sizeof *inputs, capacity - count, stdin)) > 0) {
    count += got;
    if (count == capacity) inputs = realloc(inputs, (capacity *= 2) * sizeof *inputs);
  }
  outputs = calloc(count, sizeof *outputs);
  map(CODE_START, CODE_END);
  memset((void *)CODE_START, 0xcc, CODE_END - CODE_START);
  for (i = 0; i < sizeof pages / sizeof pages[0]; i++) {
    map(pages[i].start, pages[i].end);
    fill(pages[i].start, pages[i].end);
  }
  if (mprotect((void *)READ_ONLY, 0x1000, PROT_READ) != 0) fail("mprotect");
  describe_segments();
  sigaltstack(&stack, NULL);
  for (i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaction(signals[i], &action, NULL);
  /* A vector that loops must not hang the recording. */
  alarm(120);
  __asm__ volatile("int3" ::: "memory", "cc");
  check_memory();
  fwrite(outputs, sizeof *outputs, count, stdout);
  return 0;
}
