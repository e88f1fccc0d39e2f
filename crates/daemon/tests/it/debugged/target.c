// A service with functions to be watched: listens, waits for a line, does what it says so often, and tells how long that
// took by its own clock.
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#define APART __attribute__((noinline, noipa))
static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static uint64_t inner_ns, outer_ns;
APART int query_orders(int us, const char *name) {
    uint64_t a = now();
    while (now() - a < us * 1000ull) {
    }
    inner_ns += now() - a;
    return us * 2 + (int)strlen(name);
}
APART int process_payment(int times, int us) {
    uint64_t a = now();
    int s = 0;
    for (int i = 0; i < times; i++) s += query_orders(us, "payment");
    while (now() - a < (times + 1) * us * 1000ull) {
    }
    outer_ns += now() - a;
    return s;
}
APART int quick(int n) {
    __asm__ volatile("" ::: "memory");
    return n + 1;
}
int main(int count, char **words) {
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(count > 1 ? atoi(words[1]) : 0)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(socket_, (struct sockaddr *)&at, sizeof at) || listen(socket_, 4)) return 1;
    puts("ready");
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        char what[16];
        int times = 0, us = 0;
        unsigned sum = 0;
        sscanf(line, "%15s %d %d", what, &times, &us);
        inner_ns = outer_ns = 0;
        for (int i = 0; i < times; i++) {
            if (!strcmp(what, "pay")) sum += process_payment(3, us);
            if (!strcmp(what, "quick")) sum += quick(i);
        }
        printf("%u %llu %llu\n", sum, (unsigned long long)inner_ns, (unsigned long long)outer_ns);
        fflush(stdout);
    }
    return 0;
}
