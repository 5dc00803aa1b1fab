#include "net/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

#include <algorithm>

namespace ringway::net {
namespace {

std::vector<Address> look_up(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    std::vector<Address> addresses;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return addresses;
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
        addresses.emplace_back(at->ai_addr, at->ai_addrlen);
    }
    freeaddrinfo(found);
    return addresses;
}

} // namespace

ResolverThread::ResolverThread() : thread_([this] { run(); }) {}

ResolverThread::~ResolverThread() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    came_.notify_one();
    thread_.join();
}

void ResolverThread::ask(std::string host, ring::Mailbox& mailbox, Answer answer) {
    {
        const std::lock_guard lock(mutex_);
        questions_.push_back({std::move(host), &mailbox, std::move(answer)});
    }
    came_.notify_one();
}

void ResolverThread::forget(ring::Mailbox& mailbox) {
    const std::lock_guard lock(mutex_);
    for (Question& question : questions_) {
        if (question.mailbox == &mailbox) question.mailbox = nullptr;
    }
    if (current_ != nullptr && current_->mailbox == &mailbox) current_->mailbox = nullptr;
}

void ResolverThread::run() {
    pthread_setname_np(pthread_self(), "ringway/names");
    std::unique_lock lock(mutex_);
    for (;;) {
        came_.wait(lock, [this] { return is_stopping_ || !questions_.empty(); });
        if (is_stopping_) return;
        Question question = std::move(questions_.front());
        questions_.pop_front();
        current_ = &question;
        lock.unlock();
        std::vector<Address> addresses = look_up(question.host);
        lock.lock();
        current_ = nullptr;
        if (question.mailbox == nullptr) continue;
        question.mailbox->post([answer = std::move(question.answer),
                                addresses = std::move(addresses)] { answer(addresses); });
    }
}

Resolver::~Resolver() {
    RINGWAY_ASSERT(waiting_.empty());
    *is_alive_ = false;
    names_.forget(loop_.mailbox());
}

void Resolver::ask(const std::string& host, Entry& entry) {
    if (entry.is_asking) return;
    entry.is_asking = true;
    entry.asked_at = loop_.now();
    names_.ask(host, loop_.mailbox(),
               [this, alive = is_alive_, host](const std::vector<Address>& addresses) {
                   if (*alive) on_answer(host, addresses);
               });
}

void Resolver::on_answer(const std::string& host, const std::vector<Address>& addresses) {
    Entry& entry = entries_[host];
    entry.is_asking = false;
    entry.has_failed = addresses.empty();
    entry.failed_at = loop_.now();
    if (!addresses.empty()) {
        entry.addresses = addresses;
        entry.answered_at = loop_.now();
    }
    for (ring::Signal* waiter : waiting_) waiter->raise();
}

ring::Task<Result<std::vector<Address>>> Resolver::resolve(std::string host, uint16_t port,
                                                           TimePoint deadline) {
    if (auto numeric = parse_numeric(host, port)) {
        co_return std::vector<Address>{*numeric};
    }
    ring::Signal answered(loop_);
    ring::Timer timer([](void* signal) { static_cast<ring::Signal*>(signal)->raise(); }, &answered);
    loop_.timers().arm(timer, deadline);
    for (;;) {
        Entry& entry = entries_[host]; // looked up anew after each wait
        const bool is_known =
            !entry.addresses.empty() && loop_.now() < entry.answered_at + stale_for;
        if (is_known && loop_.now() >= entry.answered_at + fresh_for &&
            loop_.now() >= entry.asked_at + failed_for) {
            ask(host, entry); // in the background
        }
        if (is_known) {
            std::vector<Address> addresses = entry.addresses;
            for (Address& address : addresses) address.set_port(port);
            co_return addresses;
        }
        if (entry.has_failed && loop_.now() < entry.failed_at + failed_for) {
            co_return upstream_error(Code::unreachable, "the host name does not resolve");
        }
        if (loop_.now() >= deadline) {
            co_return upstream_error(Code::timeout, "no answer from the resolver in time");
        }
        waiting_.push_back(&answered); // first: the answer may come at once
        ask(host, entry);
        co_await answered.wait();
        std::erase(waiting_, &answered);
    }
}

} // namespace ringway::net
