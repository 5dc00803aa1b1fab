#include "observe/log.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

namespace ringway::observe {
namespace {

constexpr Bytes level_names[] = {"debug", "info", "warning", "error", "off"};

std::string timestamp() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[64];
    const size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + size, sizeof text - size, ".%03ldZ", now.tv_nsec / 1'000'000);
    return text;
}

void append_value(std::string& line, Bytes value) {
    const bool is_plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
    });
    if (is_plain) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\') line += '\\';
        line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    line += '"';
}

void write_all(Bytes text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) { // a terminal or pipe that somebody made non-blocking
            pollfd full{STDERR_FILENO, POLLOUT, 0};
            ::poll(&full, 1, -1);
            continue;
        }
        if (written <= 0) return; // nobody is there to be told
        text.remove_prefix(static_cast<size_t>(written));
    }
}

} // namespace

std::optional<LogLevel> parse_log_level(Bytes name) {
    const auto* const found = std::find(std::begin(level_names), std::end(level_names), name);
    if (found == std::end(level_names)) return std::nullopt;
    return static_cast<LogLevel>(found - std::begin(level_names));
}

Log::Log(LogLevel level) : level_(level), thread_([this] { run(); }) {}

Log::~Log() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    came_.notify_one();
    thread_.join();
}

void Log::write(LogLevel level, Bytes event, std::initializer_list<LogField> fields) {
    if (!writes(level)) return;
    std::string line = "ts=" + timestamp() +
                       " level=" + std::string(level_names[static_cast<size_t>(level)]) + " event=";
    append_value(line, event);
    for (const LogField& field : fields) {
        line += ' ';
        line += field.name;
        line += '=';
        append_value(line, field.value);
    }
    line += '\n';
    {
        const std::lock_guard lock(mutex_);
        if (queued_.size() + line.size() > queued_bytes_max) {
            ++dropped_;
            return;
        }
        queued_ += line;
    }
    came_.notify_one();
}

void Log::run() {
    pthread_setname_np(pthread_self(), "ringway/log");
    std::unique_lock lock(mutex_);
    for (;;) {
        came_.wait(lock, [this] { return is_stopping_ || !queued_.empty(); });
        std::string lines = std::exchange(queued_, {});
        const uint64_t dropped = std::exchange(dropped_, 0);
        const bool is_last = is_stopping_;
        lock.unlock();
        if (dropped > 0) {
            lines += "ts=" + timestamp() +
                     " level=warning event=\"log lines dropped\" count=" + std::to_string(dropped) +
                     "\n";
        }
        write_all(lines);
        lock.lock();
        if (is_last && queued_.empty()) return;
    }
}

} // namespace ringway::observe
