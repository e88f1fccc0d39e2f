// Burns for some milliseconds of its own processor time and ends.
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static volatile uint64_t sink;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((noinline)) void moment(uint64_t ns) {
    while (now() < ns)
        for (int i = 0; i < 10000; i++) sink += i;
}

int main(int count, char **words) {
    moment(count > 1 ? strtoull(words[1], 0, 10) * 1000000 : 0);
    return 0;
}
