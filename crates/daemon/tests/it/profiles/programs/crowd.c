// As many threads as it is told, at most as many as there may be: when all are there, each works a little, again and
// again, until its standard input ends. Together they keep about one processor busy.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile int begun, over;

__attribute__((noinline, noipa)) uint64_t stir(uint64_t x) {
    for (int i = 0; i < 100000; i++) x = x * 6364136223846793005u + 1;
    return x;
}

// The depth differs from thread to thread, and with it the stack.
__attribute__((noinline, noipa)) uint64_t deeper(uint64_t x, unsigned depth) {
    if (depth == 0) return stir(x) + 1;
    return depth & 1 ? deeper(x ^ depth, depth / 2) + 3 : deeper(x + depth, depth / 2) * 5;
}

static void *member(void *number) {
    unsigned own = (unsigned)(uintptr_t)number;
    char name[16];
    snprintf(name, sizeof name, "member-%u", own);
    pthread_setname_np(pthread_self(), name);
    for (uint64_t x = own; !over; usleep(600000 + own * 37 % 1000))
        if (begun) x = deeper(x, own | 4096);
    return 0;
}

int main(int count, char **words) {
    unsigned wanted = count > 1 ? strtoul(words[1], 0, 10) : 100, made = 0;
    char byte;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (pthread_t one; made < wanted; made++)
        if (pthread_create(&one, &small, member, (void *)(uintptr_t)made)) break;
    begun = 1;
    setvbuf(stdout, 0, _IOLBF, 0);
    puts("ready");
    printf("{\"took_ns\":[%u]}\n", made);
    while (read(0, &byte, 1) == 1) {}
    over = 1;
    return 0;
}
