#include "http/head_writer.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

namespace ringway::http {

/// Fills the block at hand, if there is one, and goes on in others.
void HeadWriter::spill(Bytes bytes) {
    while (!bytes.empty()) {
        if (room() == 0) {
            finish_block();
            ring::Block& block = blocks_.take_small();
            block_ = ring::Slice::adopt(block, block.capacity);
            at_ = block.data();
            end_ = at_ + block.capacity;
        }
        const size_t taken = std::min(bytes.size(), room());
        put(bytes.substr(0, taken));
        bytes.remove_prefix(taken);
    }
}

void HeadWriter::finish_block() {
    block_.truncate(block_.size() - room());
    if (!block_.empty()) written_.push_back(std::exchange(block_, ring::Slice()));
    at_ = end_ = nullptr;
}

HeadWriter& HeadWriter::number(uint64_t value) {
    char digits[20];
    size_t unwritten = sizeof digits;
    do {
        digits[--unwritten] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return text({digits + unwritten, sizeof digits - unwritten});
}

HeadWriter& HeadWriter::milliseconds(Duration duration) {
    const auto us = static_cast<uint64_t>(std::max<int64_t>(duration.count() / 1000, 0));
    const auto fraction = static_cast<unsigned>(us % 1000);
    const char decimals[4] = {'.', static_cast<char>('0' + fraction / 100),
                              static_cast<char>('0' + fraction / 10 % 10),
                              static_cast<char>('0' + fraction % 10)};
    return number(us / 1000).text({decimals, sizeof decimals});
}

HeadWriter& HeadWriter::status_line(uint16_t status, Bytes reason) {
    text("HTTP/1.1 ").number(status).text(" ");
    return text(reason.empty() ? reason_phrase(status) : reason).text("\r\n");
}

void HeadWriter::take(ring::SliceQueue& to) {
    finish_block();
    to.append(std::move(written_));
}

Bytes reason_phrase(uint16_t status) {
    switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
    }
}

Bytes DateCache::at(int64_t wall_clock_s) {
    if (wall_clock_s != second_) {
        second_ = wall_clock_s;
        const time_t seconds = wall_clock_s;
        tm parts{};
        gmtime_r(&seconds, &parts);
        strftime(text_, sizeof text_, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    }
    return text_;
}

} // namespace ringway::http
