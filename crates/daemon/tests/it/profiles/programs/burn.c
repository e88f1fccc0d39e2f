// Three functions that burn 60, 30 and 10 of 100 parts, and what they call. A round takes some dozen milliseconds: when it
// takes as long as it is from sample to sample, these meet the same part each time. In a file of its own, so that it can be a
// shared library.
#include <stdint.h>

#define APART __attribute__((noinline, noipa))

// Reached by the linkage table when this is a shared library.
APART uint64_t stir(uint64_t x, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

APART uint64_t sixty(uint64_t x) {
    volatile uint64_t box[24];
    for (int i = 0; i < 222000; i++) {
        box[i % 24] = stir(x + i, 60);
        x += box[i % 24] ^ 6;
    }
    return x + box[1];
}

APART uint64_t thirty(uint64_t x) {
    volatile uint64_t box[40];
    for (int i = 0; i < 111000; i++) {
        box[i % 40] = stir(x - i, 60);
        x -= box[i % 40] ^ 3;
    }
    return x + box[2];
}

APART uint64_t ten(uint64_t x) {
    volatile uint64_t box[56];
    for (int i = 0; i < 37000; i++) {
        box[i % 56] = stir(x ^ i, 60);
        x ^= box[i % 56] + 1;
    }
    return x + box[3];
}
