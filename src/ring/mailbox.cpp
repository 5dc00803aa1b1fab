#include "ring/mailbox.h"

#include "ring/backend.h"

namespace ringway::ring {

Mailbox::~Mailbox() {
    Letter* letter = newest_.exchange(nullptr, std::memory_order_acquire);
    while (letter != nullptr) delete std::exchange(letter, letter->older);
}

void Mailbox::post(std::move_only_function<void()> work) {
    Letter* expected = newest_.load(std::memory_order_relaxed);
    auto* letter = new Letter{std::move(work), expected};
    // Release: the loop that takes the letter sees what the sender wrote before it. Once the
    // exchange is done the letter is the loop's; only `expected` may still be looked at.
    while (!newest_.compare_exchange_weak(expected, letter, std::memory_order_release,
                                          std::memory_order_relaxed)) {
        letter->older = expected;
    }
    if (expected == nullptr) owner_.wake();
}

Mailbox::Letter* Mailbox::oldest_first(Letter* newest) {
    Letter* oldest = nullptr;
    while (newest != nullptr) {
        Letter* next = newest->older;
        newest->older = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void Mailbox::run_all() {
    Letter* letter = oldest_first(newest_.exchange(nullptr, std::memory_order_acquire));
    while (letter != nullptr) {
        const std::unique_ptr<Letter> current(letter);
        letter = letter->older;
        current->work();
    }
}

} // namespace ringway::ring
