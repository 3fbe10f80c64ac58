import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { oracle } from "../../oracles.ts";
import { type Options, run } from "../run.ts";

/** A static i386 ELF of C source by the host's compiler and C library; undefined when it has none for 32 bits. */
function compile(source: string): Uint8Array | undefined {
  const folder = mkdtempSync(join(tmpdir(), "esp0-elf-"));
  try {
    writeFileSync(join(folder, "program.c"), source);
    execFileSync("gcc", ["-m32", "-static", "-O1", "-w", "-o", "program", "program.c", "-lm", "-lpthread"], {
      cwd: folder,
      stdio: "pipe",
    });
    return readFileSync(join(folder, "program"));
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const has_compiler = oracle("gcc -m32 -static", compile("int main(void) { return 0; }") !== undefined);

function run_c(source: string, options: Options = {}) {
  const elf = compile(source);
  if (elf === undefined) throw new Error("gcc refuses the source");
  const { stop, output, log } = run(elf, { memoryBytes: 32 << 20, ...options });
  return { stop, output: output(), log: log() };
}

describe.skipIf(!has_compiler)("static programs with a real C library (F7)", () => {
  it("printf, arguments, environment, exit status", () => {
    const { stop, output } = run_c(
      `#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  printf("%d %s %s %s\\n", argc, argv[0], argv[1], getenv("HOME"));
  return 3;
}`,
      { args: ["one two"] },
    );
    expect(output).toBe("2 /init one two /\n");
    expect(stop).toEqual({ kind: "exit", status: 3 });
  });

  it("malloc, realloc, free: small and large", () => {
    const { output } = run_c(`#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  char *p = malloc(200000), *q[100];
  memset(p, 7, 200000);
  p = realloc(p, 2000000);
  p = realloc(p, 6000000);
  for (int i = 0; i < 100; i++) memset(q[i] = malloc(1000 + i), i, 1000 + i);
  int sum = 0;
  for (int i = 0; i < 100; i++) sum += q[i][999 + i], free(q[i]);
  printf("%d %d %d", p[0], p[199999], sum);
  free(p);
}`);
    expect(output).toBe("7 7 4950");
  });

  it("fork, pipe, wait, shared memory", () => {
    const { output } = run_c(`#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
int main(void) {
  int ends[2], status;
  char text[20] = "";
  int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pipe(ends);
  if (fork() == 0) {
    *shared = 42;
    write(ends[1], "from child", 10);
    _exit(5);
  }
  int n = read(ends[0], text, sizeof text);
  wait(&status);
  printf("%d %s %d %d", n, text, WEXITSTATUS(status), *shared);
}`);
    expect(output).toBe("10 from child 5 42");
  });

  it("signal, sigaction, setjmp out of a handler, alarm", () => {
    const { output } = run_c(`#include <stdio.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>
static sigjmp_buf back;
static volatile int got;
static void handler(int sig) { got = sig; }
static void jump(int sig, siginfo_t *info, void *context) { siglongjmp(back, (int)info->si_addr); }
int main(void) {
  struct sigaction action = { .sa_sigaction = jump, .sa_flags = SA_SIGINFO };
  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  printf("%d ", got);
  sigaction(SIGSEGV, &action, 0);
  for (volatile int i = 0; i < 2; i++) {
    int at = sigsetjmp(back, 1);
    if (at == 0) *(volatile int *)0x1230 = 1;
    printf("%x ", at);
  }
  signal(SIGALRM, handler);
  alarm(1);
  pause();
  printf("%d", got);
}`);
    expect(output).toBe("10 1230 1230 14");
  });

  it("threads: mutexes, thread-local variables, join", () => {
    const { output } = run_c(`#include <stdio.h>
#include <pthread.h>
#include <sched.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int total;
static __thread int mine;
static void *count(void *unused) {
  for (int i = 0; i < 200; i++) {
    pthread_mutex_lock(&mutex);
    total++, mine++;
    if (i % 20 == 0) sched_yield();
    pthread_mutex_unlock(&mutex);
  }
  return (void *)mine;
}
int main(void) {
  pthread_t threads[4];
  void *result;
  int sum = 0;
  for (int i = 0; i < 4; i++) if (pthread_create(threads + i, 0, count, 0)) puts("cannot");
  for (int i = 0; i < 4; i++) pthread_join(threads[i], &result), sum += (int)result;
  printf("%d %d %d", total, sum, mine);
}`);
    expect(output).toBe("800 800 0");
  });

  it("floating point", () => {
    const { output } = run_c(`#include <stdio.h>
#include <math.h>
int main(void) {
  volatile double two = 2, big = 1e100;
  printf("%.12f %g %.3e %.10Lf", sqrt(two), big / 7, pow(two, 0.5) * 1e-9, (long double)two / 3);
}`);
    expect(output).toBe("1.414213562373 1.42857e+99 1.414e-09 0.6666666667");
  });

  it("files, directories, time", () => {
    const { output } = run_c(
      `#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
int main(void) {
  struct stat st;
  char text[20] = "", where[20];
  FILE *file = fopen("/etc/motd", "r");
  fseek(file, 6, SEEK_SET);
  fgets(text, sizeof text, file);
  stat("/etc/motd", &st);
  printf("%s %ld %o ", text, (long)st.st_size, st.st_mode);
  chdir("/etc");
  printf("%s %d ", getcwd(where, sizeof where), access("motd", R_OK));
  DIR *dir = opendir(".");
  for (struct dirent *entry; (entry = readdir(dir)) != 0;) printf("%s ", entry->d_name);
  time_t now = time(0);
  printf("%d %d", gmtime(&now)->tm_year, open("new", O_CREAT | O_WRONLY, 0666));
}`,
      { files: { "/etc/motd": new TextEncoder().encode("hello world") } },
    );
    expect(output).toBe("world 11 100755 /etc 0 . .. motd 101 -1");
  });

  it("abort and a failed assertion end with SIGABRT", () => {
    expect(run_c("#include <stdlib.h>\nint main(void) { abort(); }").stop).toEqual({ kind: "exit", status: 134 });
  });
});

const busybox = process.env.ESP0_BUSYBOX;
const has_busybox = oracle("a static i386 busybox (its path in ESP0_BUSYBOX)", busybox !== undefined);

describe.skipIf(!has_busybox)("busybox", () => {
  const shell = (script: string) => {
    const elf = readFileSync(busybox!);
    const { output } = run(elf, {
      memoryBytes: 64 << 20,
      files: { "/bin/busybox": elf },
      init: "/bin/busybox",
      args: ["sh", "-c", script],
    });
    return output();
  };

  it("is a shell", () => {
    expect(shell("for i in 1 2 3; do echo $((i*i)); done; (exit 7); echo $?")).toBe("1\n4\n9\n7\n");
    expect(shell("trap 'echo trapped' USR1; kill -USR1 $$; echo end")).toBe("trapped\nend\n");
  });

  it("runs its tools in pipelines", () => {
    expect(shell("echo one two | sed s/one/1/ | tr a-z A-Z")).toBe("1 TWO\n");
    expect(shell("seq 1 10 | awk '{ sum += $1 } END { print sum / 4 }'")).toBe("13.75\n");
    expect(shell("ls / | sort -r | head -n 2; head -c 1000 /proc/self/exe | wc -c")).toBe("proc\ninit\n1000\n");
    expect(shell("date; sleep 2; date +%s")).toBe("Thu Jan  4 00:00:00 UTC 2001\n978566402\n");
  });
});
