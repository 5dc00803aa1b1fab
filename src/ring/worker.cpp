#include "ring/worker.h"

#include <pthread.h>
#include <sched.h>

#include <charconv>
#include <cstdio>

namespace ringway::ring {

Result<void> Worker::start(std::string& explanation) {
    std::promise<Result<void>> started;
    auto outcome = started.get_future();
    thread_ = std::thread([&] { run(started, explanation); });
    return outcome.get();
}

void Worker::run(std::promise<Result<void>>& started, std::string& explanation) {
    char name[16];
    std::snprintf(name, sizeof name, "ringway/%u", options_.index);
    pthread_setname_np(pthread_self(), name);
    if (options_.cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<size_t>(options_.cpu), &set);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    blocks_ = std::make_unique<BlockPool>(options_.block_bytes_max);
    auto backend = UringBackend::make(*blocks_, options_.backend, explanation);
    if (!backend) {
        started.set_value(std::unexpected(backend.error()));
        return;
    }
    backend_ = std::move(*backend);
    loop_ = std::make_unique<Loop>(*backend_, *blocks_);
    started.set_value({});
    main_(*this);
}

Worker::~Worker() {
    join();
    loop_.reset();
    backend_.reset();
    blocks_.reset();
}

std::vector<int> allowed_cpus() {
    std::vector<int> cpus;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
    }
    return cpus;
}

Result<std::vector<int>> parse_cpu_list(std::string_view text) {
    std::vector<int> cpus;
    const char* at = text.data();
    const char* const end = at + text.size();
    auto number = [&](int& value) {
        const auto parsed = std::from_chars(at, end, value);
        at = parsed.ptr;
        return parsed.ec == std::errc() && value >= 0 && value < CPU_SETSIZE;
    };
    for (;;) {
        int first = 0;
        if (!number(first)) return client_error(Code::malformed, "cpu list: not a number");
        int last = first;
        if (at != end && *at == '-' && (++at, !number(last))) {
            return client_error(Code::malformed, "cpu list: not a number");
        }
        if (last < first) return client_error(Code::malformed, "cpu list: range goes down");
        for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
        if (at == end) return cpus;
        if (*at++ != ',') return client_error(Code::malformed, "cpu list: expected a comma");
    }
}

} // namespace ringway::ring
