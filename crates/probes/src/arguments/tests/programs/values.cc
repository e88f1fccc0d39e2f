// Arguments of every kind that C++ adds to those of C.
#include <string>
#include <string_view>
#include <vector>

#define APART __attribute__((noinline, noclone, noipa))
volatile int sink;
namespace shop {
enum class Kind : unsigned char { Small = 1, Large = 200 };
struct Base { int id; };
struct Cart : Base {
    long total;
    Kind kind;
    APART int add(int n, const std::string &name) { return (int)(total += n + (int)name.size()) + id; }
    APART static long area(Kind kind, int &count) { return (long)kind * count; }
};
struct Owner {
    int n;
    explicit Owner(int n) : n(n) {}
    Owner(const Owner &other) : n(other.n + 1) {}
    ~Owner() { sink = n; }
};
}
APART std::string joined(std::string_view left, std::string right, const std::vector<int> &list) {
    return std::string(left) + right + std::to_string(list.size());
}
APART int owned(shop::Owner owner, shop::Cart &&cart, std::string_view *view) {
    return owner.n + cart.id + (int)view->size();
}
APART int throws(int n) {
    if (n > 2) throw n;
    return n;
}
APART int catches(const char *text, int n) {
    try {
        return throws(n) + text[0];
    } catch (int caught) {
        return caught * 100;
    }
}

int main() {
    shop::Cart cart;
    cart.id = 9;
    cart.total = 1000;
    cart.kind = shop::Kind::Large;
    int count = 3;
    std::string_view view = "seen";
    cart.add(5, "a name that is too long to be inside");
    shop::Cart::area(shop::Kind::Large, count);
    joined("left", "right", {1, 2, 3});
    owned(shop::Owner(4), std::move(cart), &view);
    catches("x", 7);
    catches("a", 1);
}
