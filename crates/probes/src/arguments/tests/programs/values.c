/* Arguments of every kind that C has. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline, noclone, noipa))
enum colour { RED, GREEN = 5, BLUE = -3 };
enum { BIT = 1 };
struct point { int x; double y; };
struct pair { int a, b; };
struct two { long a; const char *b; };
struct big { long a; short b; char c; const char *name; float f; double d; int list[3]; struct pair inner; };
union either { int i; float f; };
typedef unsigned int number_t;
volatile int sink;

APART int numbers(char c, short s, int i, long l, unsigned char u, unsigned long ul, int seventh, unsigned short eighth) {
    sink = c + s + i + l + u + ul + seventh + eighth;
    return -sink;
}
APART const char *texts(const char *text, const struct big *big, enum colour colour, bool yes, struct pair pair, int *number) {
    sink = text[0] + big->b + colour + yes + pair.a + *number;
    return text + 2;
}
APART struct pair structs(struct point point, struct big by_value, float f, struct two two, long double l, int after) {
    sink = point.x + by_value.c + f + two.a + l + after;
    return (struct pair){sink, after};
}
APART struct big larger(const struct big *from, number_t times) {
    struct big made = *from;
    made.a *= times;
    return made;
}
APART double fraction(double d, union either either, void *nothing) { return d * 2 + either.i + (nothing ? 1 : 0); }
APART enum colour coloured(void (*function)(void), int unused) { return function ? GREEN : BLUE; }
APART struct two both(unsigned long n) { return (struct two){(long)n + 1, n > 3 ? "many" : "few"}; }
APART void nothing(int list[4], char **texts) { sink = list[2] + texts[0][0]; }

int main(void) {
    struct big big = {1L << 40, -7, 'x', "name", 1.5f, -2.25, {4, 5, 6}, {7, 8}};
    int number = 77, list[4] = {1, 2, 3, 4};
    char *words[] = {"a", "b"};
    numbers('q', -3, -70000, 1L << 40, 200, 18446744073709551615ul, -9, 65535);
    texts("some text", &big, BLUE, true, (struct pair){11, -12}, &number);
    texts("a text that is longer than the sixty-four bytes that are read of a value", 0 ? 0 : &big, 9, false,
          (struct pair){0, 1}, &number);
    structs((struct point){3, 4.5}, big, 2.5f, (struct two){-1, "two"}, 1.0L, 42);
    larger(&big, 3);
    fraction(1.25, (union either){.i = 65}, 0);
    coloured(0, 5);
    both(9);
    nothing(list, words);
    return 0;
}
