// Programs whose stacks are walked instruction by instruction: what is called in the end, `leaf`, is always below `main`.
#define _GNU_SOURCE
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile long sink;

__attribute__((noinline)) void leaf(long n) {
    for (long i = 0; i < n; i++) sink += i;
}
__attribute__((noinline)) long c(long n) {
    leaf(3);
    return n + sink;
}
__attribute__((noinline)) long a(long n);
__attribute__((noinline)) long b(long n) { return (n > 0 ? a(n - 1) : c(n)) + sink; }
__attribute__((noinline)) long a(long n) { return b(n) * 3 + sink; }

// A frame of unknown size, and one whose address is rounded.
__attribute__((noinline)) void on_stack(size_t n) {
    char *p = alloca(n);
    memset(p, 1, n);
    leaf(p[n / 2]);
}
__attribute__((noinline)) void rounded(long n) {
    volatile long block[8] __attribute__((aligned(64)));
    char *p = alloca(n);
    memset(p, 1, n);
    block[n & 7] = n;
    leaf(block[n & 7] & 3);
    sink += p[1];
}
// The call is the last instruction: the return address is in another function.
__attribute__((noinline, noreturn)) void forever(void) {
    for (;;) c(1);
}
__attribute__((noinline, noreturn)) void never(void) { forever(); }

static int compare(const void *x, const void *y) {
    leaf(1);
    return *(const int *)x - *(const int *)y;
}
__attribute__((noinline)) void sorted(void) {
    int all[16];
    for (int i = 0; i < 16; i++) all[i] = (i * 7) % 16;
    qsort(all, 16, sizeof all[0], compare);
    sink += all[3];
}
static void handler(int number) { leaf(number & 3); }
__attribute__((noinline)) void raised(void) {
    raise(SIGUSR1);
    sink++;
}
__attribute__((noinline)) void timed(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sink += now.tv_nsec;
}
static void *thread(void *unused) {
    sink += write(1, "+", 1);
    for (;;) a(2);
    return unused;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    stack_t other = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    if (!strcmp(mode, "other stack")) sigaltstack(&other, NULL);
    sigaction(SIGUSR1, &action, NULL);
    if (!strcmp(mode, "thread")) {
        pthread_t id;
        pthread_create(&id, NULL, thread, NULL);
        pthread_join(id, NULL);
    }
    // Linkage is looked up before the walks: who does that counts its frame from a register of its own.
    sorted(), raised(), timed(), on_stack(9);
    for (long round = 0;; round++) {
        if (round == 2 || !strcmp(mode, "noreturn")) sink += write(1, "+", 1);
        if (!strcmp(mode, "recursion")) a(5);
        if (!strcmp(mode, "frames")) on_stack(100 + (sink & 63)), rounded(40 + (sink & 63));
        if (!strcmp(mode, "noreturn")) never();
        if (!strcmp(mode, "sort")) sorted();
        if (!strcmp(mode, "signal") || !strcmp(mode, "other stack")) raised();
        if (!strcmp(mode, "clock")) timed();
    }
}
