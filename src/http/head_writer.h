#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "ring/buffers.h"
#include "ringway/time.h"

namespace ringway::http {

/// Writes a head into blocks, field by field. Values come from our own code or from a head that was
/// parsed: neither holds a CR or LF.
class HeadWriter {
public:
    explicit HeadWriter(ring::BlockPool& blocks) : blocks_(blocks) {}

    HeadWriter& text(Bytes bytes) {
        if (bytes.size() < room()) {
            put(bytes);
        } else {
            spill(bytes);
        }
        return *this;
    }
    HeadWriter& number(uint64_t value);
    /// In milliseconds with three decimals, such as "0.041"; below zero counts as zero.
    HeadWriter& milliseconds(Duration duration);
    HeadWriter& field(Bytes name, Bytes value) {
        const size_t bytes = name.size() + value.size() + 4;
        if (bytes >= room()) return text(name).text(": ").text(value).text("\r\n");
        char* at = at_;
        at_ += bytes;
        std::memcpy(at, name.data(), name.size());
        at += name.size();
        std::memcpy(at, ": ", 2);
        std::memcpy(at + 2, value.data(), value.size());
        std::memcpy(at + 2 + value.size(), "\r\n", 2);
        return *this;
    }
    HeadWriter& field(Bytes name, uint64_t value) {
        return text(name).text(": ").number(value).text("\r\n");
    }
    /// "HTTP/1.1 200 OK" with its line end. An empty reason stands for the usual one.
    HeadWriter& status_line(uint16_t status, Bytes reason = {});
    /// Appends what was written to `to`.
    void take(ring::SliceQueue& to);

private:
    size_t room() const { return static_cast<size_t>(end_ - at_); }
    void put(Bytes bytes) {
        std::memcpy(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    void spill(Bytes bytes);
    void finish_block();

    ring::BlockPool& blocks_;
    ring::SliceQueue written_; ///< full blocks
    ring::Slice block_;        ///< the one at hand, with all its capacity
    char* at_ = nullptr;       ///< in it
    char* end_ = nullptr;
};

/// The usual reason phrase. Source: RFC 9110, 15.
Bytes reason_phrase(uint16_t status);

/// An HTTP date (RFC 9110, 5.6.7), made anew once a second.
class DateCache {
public:
    Bytes at(int64_t wall_clock_s);

private:
    int64_t second_ = -1;
    char text_[32] = {};
};

} // namespace ringway::http
