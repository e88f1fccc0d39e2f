/* Functions of every shape that decides where they are probed. */
#include <stdlib.h>
#include <string.h>

volatile int sink;
#define APART __attribute__((noinline, noclone, noipa))

APART int leaf(int n) { return n * 3; }
APART int other(int n) { sink += n; return n + 1; }
APART int pushes(int n) { int kept = other(n); return other(kept) + kept; }
APART int tail(int n) { sink++; return other(n * 2); }
APART int through(int (**member)(int), int n) { return (*member)(n); }
APART int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
APART __attribute__((cold)) int rare(int n) { sink = n; return n - 1; }
APART int split(int n) {
    if (__builtin_expect(n > 100, 0)) n = rare(n);
    return other(n) * 3;
}
APART int fails(int n) {
    if (n < 0) abort();
    return other(n) * 5;
}
APART int chosen(int n, int m) {
    switch (n) {
    case 0: return other(m);
    case 1: sink = m * 7; break;
    case 2: return other(m + 2) + 9;
    case 3: sink = sink + 3; return 4;
    case 4: return leaf(m + 1) + sink;
    case 5: sink = 12; break;
    case 6: return m / 3;
    default: return -1;
    }
    return sink;
}
APART int large(int n) {
    char room[100000];
    memset(room, n, sizeof room);
    return other(room[n]) + room[n + 1];
}
APART int aligned(int n) {
    _Alignas(64) int room[64];
    memset(room, n, sizeof room);
    return other(room[3]) + room[5];
}
APART int sized(int n) {
    char *room = alloca(n * 16);
    memset(room, n, n * 16);
    return other(room[3]) + room[5];
}
APART void never(int n) {
    sink = n;
    exit(3);
}
static int (*const functions[])(int) = {leaf, other, tail, fib};
APART int listed(int n) { return functions[n & 3](n); }

int looped(long n);
int jumped(long n);
int moved(void *stack);
__asm__(".text\n.type looped,@function\nlooped: dec %rdi\n jnz looped\n ret\n.size looped,.-looped\n"
        /* The second instruction is the head of a loop. */
        ".type jumped,@function\njumped: lea 1(%rdi), %rax\n1: push %rax\n pop %rax\n dec %rax\n jnz 1b\n ret\n"
        ".size jumped,.-jumped\n"
        /* Another function begins in it. */
        ".type entered,@function\nentered: lea 1(%rdi), %rax\n.type inner,@function\ninner: push %rax\n pop %rax\n ret\n"
        ".size entered,.-entered\n.size inner,.-inner\n"
        ".type moved,@function\nmoved: mov %rdi, %rsp\n pop %rax\n ret\n.size moved,.-moved\n");

int main(int n, char **v) {
    (void)v;
    if (n > 90) return moved(0) + looped(n) + jumped(n);
    if (n > 80) never(n);
    int (*member)(int) = leaf;
    return leaf(n) + pushes(n) + tail(n) + through(&member, n) + fib(n) + split(n) + fails(n) + chosen(n, n) + large(n) +
           aligned(n) + sized(n + 8) + listed(n);
}
