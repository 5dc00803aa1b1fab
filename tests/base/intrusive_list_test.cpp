#include "base/intrusive_list.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "support/aborts.h"

using namespace ringway;
using namespace ringway::base;

namespace {

struct Waiting;
struct Timed;

struct Item : ListHook<Waiting>, ListHook<Timed> {
    explicit Item(char item_name) : name(item_name) {}
    char name;
};

using List = IntrusiveList<Item, Waiting>;

std::string names(List& list) {
    std::string text;
    list.for_each([&](Item& item) { text += item.name; });
    return text;
}

bool is_waiting(const Item& item) { return item.ListHook<Waiting>::is_linked(); }

} // namespace

TEST_CASE("list: members come out in the order they went in") {
    Item a('a');
    Item b('b');
    Item c('c');
    List list;
    CHECK(list.empty());
    for (Item* item : {&a, &b, &c}) list.push_back(*item);
    CHECK(names(list) == "abc");
    CHECK(list.front().name == 'a');
    CHECK(list.back().name == 'c');
    CHECK(list.pop_front().name == 'a');
    CHECK_FALSE(is_waiting(a));
    CHECK(names(list) == "bc");
    list.push_back(a);
    CHECK(names(list) == "bca");
}

TEST_CASE("list: a member leaves from any place, and twice is once") {
    Item a('a');
    Item b('b');
    Item c('c');
    List list;
    for (Item* item : {&a, &b, &c}) list.push_back(*item);
    b.ListHook<Waiting>::unlink();
    b.ListHook<Waiting>::unlink();
    CHECK(names(list) == "ac");
    c.ListHook<Waiting>::unlink();
    CHECK(list.back().name == 'a');
    a.ListHook<Waiting>::unlink();
    CHECK(list.empty());
}

TEST_CASE("list: a member that dies leaves the list") {
    List list;
    Item a('a');
    list.push_back(a);
    {
        Item b('b');
        list.push_back(b);
        CHECK(names(list) == "ab");
    }
    CHECK(names(list) == "a");
}

TEST_CASE("list: members outlive the list, unlinked") {
    Item a('a');
    Item b('b');
    {
        List list;
        list.push_back(a);
        list.push_back(b);
    }
    CHECK_FALSE(is_waiting(a));
    CHECK_FALSE(is_waiting(b));
}

TEST_CASE("list: an object stands in one list for each of its hooks") {
    Item a('a');
    List waiting;
    IntrusiveList<Item, Timed> timed;
    waiting.push_back(a);
    timed.push_back(a);
    a.ListHook<Waiting>::unlink();
    CHECK(waiting.empty());
    CHECK(timed.front().name == 'a');
}

TEST_CASE("list: splicing moves all members to the end, and leaves the other list empty") {
    Item a('a');
    Item b('b');
    Item c('c');
    Item d('d');
    List to;
    List from;
    to.splice_back(from); // empty to empty
    CHECK(to.empty());
    from.push_back(a);
    from.push_back(b);
    to.splice_back(from);
    CHECK(names(to) == "ab");
    CHECK(from.empty());
    from.push_back(c);
    from.push_back(d);
    to.splice_back(from);
    CHECK(names(to) == "abcd");
    to.splice_back(from);
    CHECK(names(to) == "abcd");
    CHECK(to.back().name == 'd');
    b.ListHook<Waiting>::unlink();
    CHECK(names(to) == "acd");
}

TEST_CASE("list: the member that is visited may leave or die") {
    List list;
    auto a = std::make_unique<Item>('a');
    auto b = std::make_unique<Item>('b');
    list.push_back(*a);
    list.push_back(*b);
    std::string seen;
    list.for_each([&](Item& item) {
        seen += item.name;
        if (item.name == 'a') a.reset();
    });
    CHECK(seen == "ab");
    CHECK(names(list) == "b");
}

TEST_CASE("list: linking twice, or taking from an empty list, is a bug") {
    Item a('a');
    List list;
    CHECK(tests::aborts([&] { list.pop_front(); }));
    list.push_back(a);
    CHECK(tests::aborts([&] { list.push_back(a); }));
}
