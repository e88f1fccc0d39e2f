// As burn.c and drive.c, in C++: the work is done by functions that are always inlined.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <time.h>
#include <unistd.h>

#define APART __attribute__((noinline, noipa))
#define INSIDE __attribute__((always_inline)) inline

static volatile uint64_t sink;

static uint64_t now() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return uint64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}

namespace shop {

template <typename T> struct Cart {
    T x;
    INSIDE void stir(int n) {
        for (int i = 0; i < n; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
    }
    INSIDE void price(int n) {
        stir(n);
        x += 7;
    }
};

APART uint64_t sixty(uint64_t x) {
    Cart<uint64_t> cart{x};
    for (int i = 0; i < 22200; i++) cart.price(600);
    return cart.x + 6;
}

APART uint64_t thirty(uint64_t x) {
    Cart<uint64_t> cart{x};
    for (int i = 0; i < 11100; i++) cart.price(600);
    return cart.x + 3;
}

APART uint64_t ten(uint64_t x) {
    Cart<uint64_t> cart{x};
    for (int i = 0; i < 3700; i++) cart.price(600);
    return cart.x + 1;
}

APART void warm_up(uint64_t ns) {
    for (uint64_t from = now(); now() - from < ns;) {
        Cart<uint64_t> cart{sink + 1};
        cart.price(100000);
        sink = cart.x;
    }
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

} // namespace shop

int main(int count, char **words) {
    uint64_t ms = count > 1 ? strtoull(words[1], nullptr, 10) : 1000;
    char byte;
    setvbuf(stdout, nullptr, _IOLBF, 0);
    shop::warm_up(400000000);
    puts("ready");
    if (read(0, &byte, 1) != 1) return 1;
    shop::work(ms * 1000000);
    while (read(0, &byte, 1) == 1) {}
    return 0;
}
