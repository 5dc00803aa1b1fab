#pragma once

#include <expected>
#include <memory>
#include <string>

#include "tools/mock_shared.h"

namespace ringway::tools {

/// A mock LLM provider: answers in the APIs of OpenAI and Anthropic, with options and faults chosen
/// by the model's name, headers or flags. For tests, demos, and as the upstream of benchmarks.
/// Used from one thread; its workers are threads of their own.
class MockServer {
public:
    /// Listens once this returns. The error is a sentence.
    static std::expected<std::unique_ptr<MockServer>, std::string> start(MockConfig config);
    virtual ~MockServer() = default; ///< stops and waits

    /// Where it listens, such as "127.0.0.1:9999": with the port that port 0 became.
    virtual std::string address() const = 0;
    virtual uint16_t port() const = 0;
    virtual std::string stats_json() const = 0;

    /// No new connections or requests; answers under way are finished.
    virtual void drain() = 0;
    /// Breaks off what runs.
    virtual void stop() = 0;
    /// Returns when all workers have ended, after drain() or stop().
    virtual void wait() = 0;
};

} // namespace ringway::tools
