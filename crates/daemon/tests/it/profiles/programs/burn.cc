// As burn.c, in C++: the work is done by functions that are always inlined. Beside drive.c, which is C++ as well then.
#include <cstdint>

#define APART __attribute__((noinline, noipa))
#define INSIDE __attribute__((always_inline)) inline

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

} // namespace shop

APART uint64_t stir(uint64_t x, uint64_t n) {
    shop::Cart<uint64_t> cart{x};
    cart.price(n);
    return cart.x;
}

APART uint64_t sixty(uint64_t x) {
    shop::Cart<uint64_t> cart{x};
    for (int i = 0; i < 22200; i++) cart.price(600);
    return cart.x + 6;
}

APART uint64_t thirty(uint64_t x) {
    shop::Cart<uint64_t> cart{x};
    for (int i = 0; i < 11100; i++) cart.price(600);
    return cart.x + 3;
}

APART uint64_t ten(uint64_t x) {
    shop::Cart<uint64_t> cart{x};
    for (int i = 0; i < 3700; i++) cart.price(600);
    return cart.x + 1;
}
