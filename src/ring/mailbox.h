#pragma once

#include <atomic>
#include <functional>
#include <memory>

namespace ringway::ring {

class Backend;

/// Takes work from any thread to the thread of one loop: configuration snapshots, resolved names,
/// handed-over sockets, the order to stop. Posting takes no lock and wakes the loop when the box
/// was empty; the loop empties it once per turn. What is posted from one thread runs in order.
/// Letters that no turn reads any more are destroyed with the box, and what they own with them.
class Mailbox {
public:
    explicit Mailbox(Backend& owner) : owner_(owner) {}
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// From any thread, as long as the loop lives.
    void post(std::move_only_function<void()> work);
    /// On the loop's thread: runs what has come.
    void run_posted() {
        if (newest_.load(std::memory_order_relaxed) != nullptr) run_all();
    }
    bool is_empty() const { return newest_.load(std::memory_order_relaxed) == nullptr; }

private:
    struct Letter {
        std::move_only_function<void()> work;
        Letter* older;
    };
    void run_all();
    static Letter* oldest_first(Letter* newest);

    Backend& owner_;
    std::atomic<Letter*> newest_ = nullptr;
};

} // namespace ringway::ring
