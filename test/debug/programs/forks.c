/* Forks a child that ends with status 3, and waits for it. */
static volatile int shared = 1;

static int sys(int number, int first, int second, int third)
{
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third) : "memory");
  return result;
}

static int compute(int n)
{
  int result = n * 3;
  shared = result;
  return result;
}

int main(int argc)
{
  int local = compute(argc + 4);
  int status = 0;
  int pid = sys(2, 0, 0, 0); /* fork */
  if (pid == 0) {
    shared = 9;
    sys(1, 3, 0, 0); /* exit */
  }
  sys(114, pid, (int)&status, 0); /* wait4 */
  return (status >> 8) + local;
}

__asm__(".globl _start\n"
        "_start: xorl %ebp, %ebp\n"
        "pushl (%esp)\n"
        "call main\n"
        "movl %eax, %ebx\n"
        "movl $1, %eax\n"
        "int $0x80\n");
