// Calls that end by an exception, through frames that are probed. Waits for a line with how many; tells what it did.
#include <cstdio>
#include <stdexcept>
#define APART __attribute__((noinline, noipa))
APART int risky(int n) {
    if (n % 3 == 0) throw std::runtime_error("no");
    return n * 2;
}
struct Held {
    int *count;
    ~Held() { ++*count; }
};
APART int middle(int n, int *held) {
    Held own{held};
    return risky(n) + 1;
}
int main() {
    puts("ready");
    fflush(stdout);
    int times;
    while (scanf("%d", &times) == 1) {
        long sum = 0;
        int caught = 0, held = 0;
        for (int i = 0; i < times; i++) {
            try {
                sum += middle(i, &held);
            } catch (const std::exception &) {
                caught++;
            }
        }
        printf("%ld %d %d\n", sum, caught, held);
        fflush(stdout);
    }
}
