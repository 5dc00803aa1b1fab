#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "net/address.h"
#include "ring/loop.h"
#include "ring/task.h"

namespace ringway::net {

/// Who knows the addresses of names: part of the seam to the outside world.
class NameService {
public:
    /// Called on the thread of `mailbox`'s loop. An empty list: the name does not resolve.
    /// Ports are 0.
    using Answer = std::function<void(const std::vector<Address>&)>;

    virtual ~NameService() = default;
    virtual void ask(std::string host, ring::Mailbox& mailbox, Answer answer) = 0;
    /// From when this returns nothing is posted to `mailbox`: its loop ends.
    virtual void forget(ring::Mailbox& mailbox) = 0;
};

/// Asks the system's resolver (getaddrinfo) on a thread of its own, since it blocks. One for the
/// process.
class ResolverThread final : public NameService {
public:
    ResolverThread();
    ~ResolverThread() override;
    ResolverThread(const ResolverThread&) = delete;
    ResolverThread& operator=(const ResolverThread&) = delete;

    void ask(std::string host, ring::Mailbox& mailbox, Answer answer) override;
    void forget(ring::Mailbox& mailbox) override;

private:
    struct Question {
        std::string host;
        ring::Mailbox* mailbox; ///< null: forgotten
        Answer answer;
    };
    void run();

    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<Question> questions_;
    Question* current_ = nullptr;
    bool is_stopping_ = false;
    std::thread thread_;
};

/// One worker's view of names: answers are kept, refreshed in the background when they are older
/// than `fresh_for`, and served up to `stale_for` while the resolver fails. Numbers need no asking.
class Resolver {
public:
    static constexpr Duration fresh_for = 30s;
    static constexpr Duration stale_for = 1h;
    static constexpr Duration failed_for = 1s; ///< a name that failed is asked again after this

    Resolver(ring::Loop& loop, NameService& names) : loop_(loop), names_(names) {}
    ~Resolver();

    /// The addresses of `host`, with `port`.
    /// Errors: {unreachable, upstream}; {timeout, upstream} when there is no answer by `deadline`.
    ring::Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port,
                                                     TimePoint deadline);

private:
    struct Entry {
        std::vector<Address> addresses;
        TimePoint answered_at;
        TimePoint asked_at;
        TimePoint failed_at;
        bool is_asking = false;
        bool has_failed = false;
    };
    void ask(const std::string& host, Entry& entry);
    void on_answer(const std::string& host, const std::vector<Address>& addresses);

    ring::Loop& loop_;
    NameService& names_;
    std::unordered_map<std::string, Entry> entries_;
    std::vector<ring::Signal*> waiting_;
    std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

} // namespace ringway::net
