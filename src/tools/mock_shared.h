#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "observe/counters.h"
#include "tools/mock_options.h"
#include "tools/mock_replay.h"

namespace ringway::tools {

/// What a mock is started with.
struct MockConfig {
    std::string listen = "127.0.0.1:9999"; ///< port 0: any that is free
    std::optional<unsigned> workers;       ///< unset: one for each processor
    std::string cpuset;                    ///< such as "0,2-5"; empty: all that are allowed
    std::string tls_certificate_pem;       ///< empty: no TLS
    std::string tls_key_pem;
    MockOptions defaults;
    std::string replay;      ///< a recording, or a tree of them
    bool records = false;    ///< keeps the last requests for GET /mock/requests
    uint32_t keep_max = 256; ///< how many of them

    /// A flag of the command line. The error is a sentence.
    std::expected<void, std::string> apply(Bytes key, Bytes value);
};

/// What one worker counts; any thread reads.
struct alignas(64) MockCounters {
    observe::Counter connections_open;
    observe::Counter connections_total;
    observe::Counter requests;
    observe::Counter answers_finished;
    observe::Counter streams_open;
    observe::Counter tokens;
    observe::Counter clients_gone;
    observe::Counter last_client_gone_ns; ///< CLOCK_MONOTONIC
};

/// The last requests, whole, for tests that ask what arrived. Shared by all workers.
class MockJournal {
public:
    static constexpr size_t body_bytes_max = 65536; ///< of a body that is kept

    explicit MockJournal(size_t requests_max) : requests_max_(requests_max) {}
    void add(Bytes head, Bytes body);
    void clear();
    std::string to_json() const;

private:
    struct Entry {
        uint64_t number;
        std::string head;
        std::string body; ///< up to body_bytes_max
        uint64_t body_bytes;
        std::string sha256;
    };
    size_t requests_max_;
    mutable std::mutex mutex_; ///< guards what follows
    uint64_t next_ = 0;
    std::deque<Entry> entries_;
};

/// What the workers of a mock share.
struct MockShared {
    explicit MockShared(MockConfig given) : config(std::move(given)), journal(config.keep_max) {}

    const MockConfig config;
    MockRecordings recordings;
    MockJournal journal;
    std::vector<MockCounters> counters; ///< one for each worker

    std::string stats_json() const;
};

} // namespace ringway::tools
