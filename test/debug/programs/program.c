/* A program to be debugged: see README.md beside it. */
typedef unsigned int u32;
enum color { RED, GREEN = 5, BLUE };
struct point { int x, y; };
union both { int i; char c[4]; };
struct node {
  struct node *next;
  const char *name;
  struct point at;
  enum color color;
  unsigned flag : 3, level : 5;
  union both b;
  struct { short s1, s2; };
  long long big;
  int (*op)(int, int);
};
static int counter;
double ratio = 1.5;
float small = 3.14f;
struct node nodes[3];
int table[2][3] = {{1, 2, 3}, {4, 5, 6}};

static int add(int a, int b) { return a + b; }

static inline __attribute__((always_inline)) int twice(int v) {
  int doubled = v * 2;
  return doubled;
}

int fib(int n) {
  if (n < 2)
    return n;
  int left = fib(n - 1);
  int right = fib(n - 2);
  return left + right;
}

int fill(struct node *list, int count) {
  static int calls = 7;
  int sum = 0;
  for (int i = 0; i < count; i++) {
    struct node *n = &list[i];
    n->next = i + 1 < count ? &list[i + 1] : 0;
    n->name = "node";
    n->at.x = i;
    n->at.y = -i;
    n->color = BLUE;
    n->flag = i & 7;
    n->level = 17;
    n->big = 0x123456789abcdefLL + i;
    n->op = add;
    n->b.i = 0x41424344;
    n->s1 = -1;
    sum += n->op(i, twice(i));
  }
  calls++;
  counter += sum;
  return sum;
}

static void write_all(const char *s, unsigned n) {
  int r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(4), "b"(1), "c"(s), "d"(n) : "memory");
}

int main(void) {
  char text[16] = "hello\n";
  u32 total = 0;
  total += fill(nodes, 3);
  total += fib(5);
  write_all(text, 6);
  return total == 0;
}

__attribute__((noreturn)) void _start(void) {
  int status = main();
  __asm__ volatile("int $0x80" : : "a"(1), "b"(status));
  for (;;);
}
