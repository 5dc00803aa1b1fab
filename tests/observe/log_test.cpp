#include "observe/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <thread>
#include <vector>

using namespace ringway;
using namespace ringway::observe;

namespace {

/// What is written to standard error while it lives, read at its end by a thread of its own. With
/// `waits` nothing is read before release().
class CapturedStderr {
public:
    explicit CapturedStderr(bool waits = false) {
        std::array<int, 2> ends{};
        REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
        saved_ = dup(STDERR_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        read_end_ = ends[0];
        if (!waits) release();
    }
    void release() {
        reader_ = std::thread([this] {
            std::array<char, 65536> bytes{};
            for (ssize_t size = 0; (size = read(read_end_, bytes.data(), bytes.size())) > 0;) {
                text_.append(bytes.data(), static_cast<size_t>(size));
            }
        });
    }
    std::string finish() {
        dup2(saved_, STDERR_FILENO);
        close(saved_);
        reader_.join();
        close(read_end_);
        return text_;
    }

private:
    int saved_ = -1;
    int read_end_ = -1;
    std::thread reader_;
    std::string text_;
};

/// What stands behind the time of a line.
std::string behind_time(const std::string& line) { return line.substr(line.find(' ') + 1); }

std::string written(LogLevel level, LogLevel at, Bytes event,
                    std::initializer_list<LogField> fields = {}) {
    CapturedStderr captured;
    { Log(level).write(at, event, fields); }
    return captured.finish();
}

} // namespace

TEST_CASE("log: a line is logfmt, with its time, and what needs quotes has them") {
    const std::string line = written(LogLevel::info, LogLevel::warning, "upstream failed",
                                     {{"provider", "openai"},
                                      {"count", uint64_t{7}},
                                      {"empty", ""},
                                      {"spaced", "a b"},
                                      {"equals", "a=b"},
                                      {"quoted", "say \"hi\" \\ there"},
                                      {"broken", "a\nevent=forged\r\x1b[31m\x7f"},
                                      {"utf8", "ä"}});
    REQUIRE(line.starts_with("ts=20"));
    CHECK(line[26] == 'Z');
    CHECK(behind_time(line) ==
          "level=warning event=\"upstream failed\" provider=openai count=7 empty=\"\" "
          "spaced=\"a b\" equals=\"a=b\" quoted=\"say \\\"hi\\\" \\\\ there\" "
          "broken=\"a event=forged  [31m \" utf8=\"ä\"\n");
}

TEST_CASE("log: levels below the wanted one are not written, and off writes nothing") {
    CHECK(written(LogLevel::warning, LogLevel::info, "x").empty());
    CHECK_FALSE(written(LogLevel::warning, LogLevel::error, "x").empty());
    CHECK(written(LogLevel::off, LogLevel::error, "x").empty());
    CHECK(parse_log_level("debug") == LogLevel::debug);
    CHECK(parse_log_level("off") == LogLevel::off);
    CHECK_FALSE(parse_log_level("Info").has_value());
    CHECK_FALSE(parse_log_level("").has_value());
}

TEST_CASE("log: lines of several threads come whole, each thread's in order") {
    constexpr int threads = 4;
    constexpr int lines = 500;
    CapturedStderr captured;
    {
        Log log(LogLevel::info);
        std::vector<std::thread> writers;
        for (int writer = 0; writer < threads; ++writer) {
            writers.emplace_back([&log, writer] {
                for (int i = 0; i < lines; ++i) {
                    log.write(LogLevel::info, "line",
                              {{"writer", static_cast<uint64_t>(writer)},
                               {"number", static_cast<uint64_t>(i)}});
                }
            });
        }
        for (std::thread& writer : writers) writer.join();
        log.set_level(LogLevel::error);
        CHECK_FALSE(log.writes(LogLevel::info));
    }
    std::istringstream text(captured.finish());
    std::array<int, threads> next{};
    int count = 0;
    for (std::string line; std::getline(text, line); ++count) {
        int writer = -1;
        int number = -1;
        REQUIRE(std::sscanf(behind_time(line).c_str(), "level=info event=line writer=%d number=%d",
                            &writer, &number) == 2);
        CHECK(number == next[static_cast<size_t>(writer)]++);
    }
    CHECK(count == threads * lines);
}

TEST_CASE("log: what does not fit its queue is dropped and counted: no line is lost unsaid") {
    constexpr uint64_t lines = 4000;
    const std::string filling(1000, 'x');
    CapturedStderr captured(true); // nobody reads: the pipe fills, then the queue
    {
        Log log(LogLevel::info);
        for (uint64_t i = 0; i < lines; ++i) log.write(LogLevel::info, "fill", {{"f", filling}});
        captured.release();
    }
    std::istringstream text(captured.finish());
    uint64_t came = 0;
    uint64_t dropped = 0;
    for (std::string line; std::getline(text, line);) {
        const size_t at = line.find("event=\"log lines dropped\" count=");
        if (at == std::string::npos) {
            ++came;
        } else {
            dropped += std::stoul(line.substr(line.rfind('=') + 1));
        }
    }
    CHECK(dropped > 0);
    CHECK(came + dropped == lines);
}

TEST_CASE("log: a standard error that does not wait is waited for") {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    const int saved = dup(STDERR_FILENO);
    dup2(ends[0], STDERR_FILENO);
    close(ends[0]);
    constexpr size_t lines = 900;
    size_t came = 0;
    std::thread reader;
    {
        Log log(LogLevel::info);
        const std::string filling(1000, 'x');
        for (size_t i = 0; i < lines; ++i) log.write(LogLevel::info, "fill", {{"f", filling}});
        reader = std::thread([&] {
            std::array<char, 65536> bytes{};
            for (ssize_t size = 0; (size = read(ends[1], bytes.data(), bytes.size())) > 0;) {
                came += static_cast<size_t>(std::count(bytes.begin(), bytes.begin() + size, '\n'));
            }
        });
    }
    dup2(saved, STDERR_FILENO);
    close(saved);
    reader.join();
    close(ends[1]);
    CHECK(came == lines);
}
