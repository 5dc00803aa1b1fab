#pragma once

#include <atomic>
#include <condition_variable>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/bytes.h"

namespace ringway::observe {

enum class LogLevel : uint8_t { debug, info, warning, error, off };
std::optional<LogLevel> parse_log_level(Bytes name);

/// One "key=value" of a log line.
struct LogField {
    LogField(Bytes field_name, Bytes field_value) : name(field_name), value(field_value) {}
    LogField(Bytes field_name, uint64_t number) : name(field_name), value(std::to_string(number)) {}
    Bytes name;
    std::string value;
};

/// Lines for the operator, in logfmt, on standard error. A thread of its own writes them, so that
/// no worker waits for a slow terminal; what does not fit its queue is dropped and counted.
/// Prompts, answers and keys are never given to it.
class Log {
public:
    explicit Log(LogLevel level);
    /// Writes what is left.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    bool writes(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }
    void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
    /// From any thread. `event` is a short sentence that is always the same.
    void write(LogLevel level, Bytes event, std::initializer_list<LogField> fields = {});

private:
    static constexpr size_t queued_bytes_max = size_t{1} << 20;
    void run();

    std::atomic<LogLevel> level_;
    std::mutex mutex_;
    std::condition_variable came_;
    std::string queued_;
    uint64_t dropped_ = 0;
    bool is_stopping_ = false;
    std::thread thread_;
};

} // namespace ringway::observe
