// The fast way of a scan: tokens that lie in the piece whole and without escapes.

#include <array>
#include <cstring>
#include <utility>

#include "wire/byte_scan.h"
#include "wire/json_scan.h"

namespace ringway::wire {
namespace {

/// What is looked at of a member, from where it begins, without a look for the end of the piece: a
/// key of this many bytes, the beginning of a text, and what stands around them.
constexpr ptrdiff_t near_key_bytes = 32;
constexpr ptrdiff_t near_text_bytes = 16;
constexpr ptrdiff_t room_bytes = near_key_bytes + near_text_bytes + 16;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

const char* skip_digits(const char* at, const char* end) {
    while (at != end && is_digit(*at)) ++at;
    return at;
}

/// Where the number whose integer ends at `stop` ends, or null when it is malformed there. The end
/// of the piece is for others to judge. Source: RFC 8259, 6.
const char* skip_fraction(const char* stop, const char* end) {
    if (stop != end && *stop == '.') {
        const char* const digits = stop + 1;
        stop = skip_digits(digits, end);
        if (stop == digits) return nullptr;
    }
    if (stop != end && (*stop == 'e' || *stop == 'E')) {
        const char* digits = stop + 1;
        if (digits != end && (*digits == '+' || *digits == '-')) ++digits;
        stop = skip_digits(digits, end);
        if (stop == digits) return nullptr;
    }
    return stop;
}

/// The end of a number, or `at` when there is none, or none that is sure to be all of it.
const char* whole_number_end(const char* const at, const char* end) {
    const char* const digits = at + (*at == '-' ? 1 : 0);
    if (digits == end || !is_digit(*digits)) return at;
    const char* stop = *digits == '0' ? digits + 1 : skip_digits(digits + 1, end);
    if (stop != end && *stop != ',' && *stop != '}') stop = skip_fraction(stop, end);
    return stop == nullptr || stop == end ? at : stop;
}

const char* whole_word_end(const char* at, const char* end) {
    const Bytes rest(at, static_cast<size_t>(end - at));
    if (rest.starts_with("true") || rest.starts_with("null")) return at + 4;
    return rest.starts_with("false") ? at + 5 : at;
}

JsonKind kind_of(char first) {
    switch (first) {
    case '"': return JsonKind::string;
    case 't':
    case 'f': return JsonKind::boolean;
    case 'n': return JsonKind::null;
    default: return JsonKind::number;
    }
}

/// As find_json_string_stop(): most texts are short.
[[gnu::noinline]] const char* find_text_stop(const char* at, const char* end) {
    constexpr ptrdiff_t short_bytes = 64;
    if (end - at <= short_bytes) return find_json_string_stop(at, end);
    const char* const stop = find_json_string_stop(at, at + short_bytes);
    return stop != at + short_bytes ? stop : find_json_text_stop(stop, end);
}

/// The end of a scalar that is no string, or `at`.
[[gnu::noinline]] const char* whole_plain_end(const char* at, const char* end) {
    return *at <= '9' ? whole_number_end(at, end) : whole_word_end(at, end);
}

/// False when it leads behind `last`, for which one space is not enough.
[[gnu::always_inline]] inline bool skip_space(const char*& at, const char* last, const char* end) {
    if (static_cast<uint8_t>(*at) > ' ') return true;
    if (*at == ' ' && static_cast<uint8_t>(at[1]) > ' ') {
        ++at;
        return true;
    }
    at = skip_json_space(at, end);
    return at <= last;
}

} // namespace

/// Reads members up to the first token that is anything else, a mistake included.
const char* JsonScanner::read_whole_tokens(const char* at, const char* end) {
    if (at == end || state_ > State::comma_or_end) return at;
    if (nest_.is_outside() && *at != '{' && *at != '[') return at;
    if (end - at >= room_bytes) at = read_members(at, end - room_bytes, end);
    const bool has_more = at != end && state_ <= State::comma_or_end;
    return has_more && end - at < room_bytes ? read_tail(at, end) : at;
}

/// What has no room in the piece has it in a copy. No token goes on behind its end.
const char* JsonScanner::read_tail(const char* at, const char* end) {
    std::array<char, 2 * room_bytes> copy{};
    const auto bytes = static_cast<size_t>(end - at);
    std::memcpy(copy.data(), at, bytes);
    const char* const copy_end = copy.data() + bytes;
    const uint64_t origin =
        std::exchange(origin_, origin_ + address_of(at) - address_of(copy.data()));
    const char* const stop = read_members(copy.data(), copy_end, copy_end);
    origin_ = origin;
    return at + (stop - copy.data());
}

/// Members begin up to `last`, behind which there is room for one.
const char* JsonScanner::read_members(const char* at, const char* last, const char* end) {
    if (state_ == State::comma_or_end && !read_end(at, last, end)) return at;
    if (state_ == State::colon) return at;
    if (state_ == State::value && nest_.in_object()) return at; // rare: its key stood at a seam
    for (;;) {
        if (nest_.in_object() && !read_key(at, last, end)) return at;
        if (!skip_space(at, last, end)) return at;
        if (*at == '{' || *at == '[') {
            if (nest_.is_full()) return at;
            open(*at == '{', position_of(at));
            ++at;
            if (at > last) return at;
            if (*at != nest_.closing_bracket()) continue;
        } else if (!read_scalar(at, end)) {
            return at;
        }
        if (!read_end(at, last, end)) return at;
    }
}

/// A key and its colon.
[[gnu::always_inline]] inline bool JsonScanner::read_key(const char*& at, const char* last,
                                                         const char* end) {
    if (!skip_space(at, last, end) || *at != '"') return false;
    const char* const text = at + 1;
    const char* const stop = find_json_string_stop(text, text + near_key_bytes);
    if (*stop != '"') return false;
    node_ = nest_.member({text, static_cast<size_t>(stop - text)});
    at = stop + 1;
    if (*at != ':') {
        state_ = State::colon;
        return false;
    }
    state_ = State::value;
    ++at;
    return true;
}

[[gnu::always_inline]] inline bool JsonScanner::read_scalar(const char*& at, const char* end) {
    const char* to = at;
    if (*at == '"') {
        const char* const text = at + 1;
        const char* stop = find_json_string_stop(text, text + near_text_bytes);
        if (*stop != '"') {
            stop = find_text_stop(stop, end);
            if (stop == end || *stop != '"') return false;
        }
        to = stop + 1;
    } else {
        to = whole_plain_end(at, end);
        if (to == at) return false;
    }
    if (is_reported()) report_scalar(at, to);
    state_ = State::comma_or_end;
    at = to;
    return true;
}

/// Closing brackets, and the comma before the next member.
[[gnu::always_inline]] inline bool JsonScanner::read_end(const char*& at, const char* last,
                                                         const char* end) {
    while (at <= last && skip_space(at, last, end)) {
        if (*at == ',') {
            next_member();
            return ++at <= last;
        }
        if (*at != nest_.closing_bracket()) return false;
        close(position_of(++at));
        if (state_ == State::done) return false;
    }
    return false;
}

[[gnu::noinline]] void JsonScanner::report_scalar(const char* at, const char* to) {
    const JsonKind kind = kind_of(*at);
    const size_t quote = kind == JsonKind::string ? 1 : 0;
    const Bytes text(at + quote, static_cast<size_t>(to - at) - 2 * quote);
    sink_.on_value({paths_.path_of(node_), kind, text.size() > text_bytes_max, false,
                    position_of(at), position_of(to), text.substr(0, text_bytes_max)});
}

} // namespace ringway::wire
