// Has three functions work for so many seconds of processor time, and says what each took by the thread's own clock:
// warms up, says that it is ready, waits for a line, works, says what it took, and ends with its standard input.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define APART __attribute__((noinline, noipa))

uint64_t stir(uint64_t x, uint64_t n);
uint64_t sixty(uint64_t x);
uint64_t thirty(uint64_t x);
uint64_t ten(uint64_t x);

static volatile uint64_t sink;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// So that the files of the program are known before anything is measured.
APART void warm_up(uint64_t ns) {
    for (uint64_t from = now(); now() - from < ns;) sink = stir(sink + 1, 100000);
}

APART void work(uint64_t ns) {
    uint64_t took[3] = {0, 0, 0}, begun = now(), at = begun;
    uint64_t (*const parts[3])(uint64_t) = {sixty, thirty, ten};
    while (at - begun < ns) {
        for (int i = 0; i < 3; i++) {
            sink = parts[i](sink + 1);
            uint64_t then = now();
            took[i] += then - at;
            at = then;
        }
    }
    printf("{\"took_ns\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]}\n", took[0], took[1], took[2]);
}

int main(int count, char **words) {
    uint64_t ms = count > 1 ? strtoull(words[1], 0, 10) : 1000;
    char byte;
    setvbuf(stdout, 0, _IOLBF, 0);
    warm_up(400000000);
    puts("ready");
    if (read(0, &byte, 1) != 1) return 1;
    work(ms * 1000000);
    while (read(0, &byte, 1) == 1) {}
    return 0;
}
