#include "wire/json_scan.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "wire/byte_scan.h"

namespace ringway::wire {
namespace {

constexpr uint32_t replacement = 0xfffd;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// What a character behind a backslash stands for; 0 when it is none of the simple ones.
constexpr char escape_meaning(char c) {
    switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
    }
}

/// What may follow the first byte of a UTF-8 sequence. Source: Unicode 15, table 3-7.
struct Utf8Tail {
    uint8_t bytes;
    uint8_t min; ///< of the second byte
    uint8_t max;
};

Utf8Tail utf8_tail(uint8_t first) {
    if (first >= 0xc2 && first <= 0xdf) return {1, 0x80, 0xbf};
    if (first == 0xe0) return {2, 0xa0, 0xbf};
    if (first == 0xed) return {2, 0x80, 0x9f};
    if (first >= 0xe1 && first <= 0xef) return {2, 0x80, 0xbf};
    if (first == 0xf0) return {3, 0x90, 0xbf};
    if (first >= 0xf1 && first <= 0xf3) return {3, 0x80, 0xbf};
    if (first == 0xf4) return {3, 0x80, 0x8f};
    return {0, 0, 0};
}

} // namespace

size_t utf8_sequence_bytes(Bytes text) {
    const auto byte_at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    if (text.empty()) return 0;
    if (byte_at(0) < 0x80) return 1;
    const Utf8Tail tail = utf8_tail(byte_at(0));
    if (tail.bytes == 0 || text.size() <= tail.bytes) return 0;
    if (byte_at(1) < tail.min || byte_at(1) > tail.max) return 0;
    for (size_t i = 2; i <= tail.bytes; ++i) {
        if (byte_at(i) < 0x80 || byte_at(i) > 0xbf) return 0;
    }
    return size_t{tail.bytes} + 1;
}

JsonScanner::JsonScanner(const JsonPaths& paths, JsonSink& sink)
    : paths_(paths), sink_(sink), nest_(paths) {
    reset();
}

void JsonScanner::reset() {
    position_ = 0;
    nest_.clear();
    state_ = State::value;
    node_ = paths_.root();
    is_key_ = captures_ = false;
    high_surrogate_ = 0;
}

Status JsonScanner::feed(Bytes piece) {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    origin_ = position_ - address_of(at);
    Status status;
    for (;;) {
        at = read_whole_tokens(at, end);
        position_ = position_of(at);
        if (at == end) return {};
        const char c = *at;
        switch (state_) {
        case State::string:
        case State::utf8: at = read_string(at, end, status); break;
        case State::escape:
            status = read_escape(c);
            ++at;
            break;
        case State::unicode:
            status = read_unicode(c);
            ++at;
            break;
        case State::number:
            if (read_number(c)) {
                ++at;
            } else if (number_may_end()) {
                end_scalar(JsonKind::number, position_); // and c is looked at anew
            } else {
                status = bad("malformed number");
            }
            break;
        case State::literal:
            if (c != *literal_) return bad("malformed literal");
            capture({&c, 1});
            ++at;
            if (*++literal_ == '\0') {
                const bool is_null = literal_[-1] == 'l';
                end_scalar(is_null ? JsonKind::null : JsonKind::boolean, position_ + 1);
            }
            break;
        default:
            if (!is_json_space(c)) status = structural(c);
            ++at;
            break;
        }
        if (!status) return status;
    }
}

Status JsonScanner::finish() {
    if (is_number_at_end()) end_scalar(JsonKind::number, position_);
    return state_ == State::done ? Status() : bad("the document ends too early");
}

Status JsonScanner::structural(char c) {
    switch (state_) {
    case State::value_or_end:
        if (c == ']') return close(c);
        return begin_value(c);
    case State::value: return begin_value(c);
    case State::key_or_end:
        if (c == '}') return close(c);
        [[fallthrough]];
    case State::key:
        if (c != '"') return bad("expected a key");
        begin_text(true, position_);
        return {};
    case State::colon:
        if (c != ':') return bad("expected a colon");
        state_ = State::value;
        return {};
    case State::comma_or_end:
        if (c != ',') return close(c);
        next_member();
        return {};
    default: return bad("text behind the document");
    }
}

void JsonScanner::begin_text(bool is_key, uint64_t begin) {
    value_begin_ = begin;
    is_key_ = is_key;
    captures_ = is_key ? nest_.has_members() : is_reported();
    text_size_ = 0;
    text_[0] = '\0'; // an empty key is looked at as well
    is_cut_ = false;
    state_ = State::string;
}

Status JsonScanner::begin_value(char c) {
    begin_text(false, position_);
    switch (c) {
    case '{':
    case '[':
        if (nest_.is_full()) return bad("nested too deeply");
        open(c == '{', position_);
        return {};
    case '"': return {};
    case 't': literal_ = "rue"; break;
    case 'f': literal_ = "alse"; break;
    case 'n': literal_ = "ull"; break;
    default:
        if (c != '-' && !is_digit(c)) return bad("expected a value");
        capture({&c, 1});
        state_ = State::number;
        number_ = c == '-' ? NumberPart::sign : c == '0' ? NumberPart::zero : NumberPart::integer;
        return {};
    }
    capture({&c, 1});
    state_ = State::literal;
    return {};
}

void JsonScanner::open(bool is_object, uint64_t begin) {
    nest_.push(is_object, node_, begin);
    node_ = nest_.element();
    state_ = is_object ? State::key_or_end : State::value_or_end;
}

Status JsonScanner::close(char c) {
    if (c != nest_.closing_bracket()) return bad("expected a comma or a closing bracket");
    close(position_ + 1);
    return {};
}

void JsonScanner::close(uint64_t end) {
    if (paths_.path_of(nest_.node()) != JsonPaths::none) report_container(end);
    nest_.pop();
    end_value();
}

[[gnu::noinline]] void JsonScanner::report_container(uint64_t end) {
    const JsonKind kind = nest_.in_object() ? JsonKind::object : JsonKind::array;
    const bool is_empty = state_ == State::key_or_end || state_ == State::value_or_end;
    sink_.on_value({paths_.path_of(nest_.node()), kind, false, is_empty, nest_.begin(), end, {}});
}

void JsonScanner::end_scalar(JsonKind kind, uint64_t end) {
    if (captures_) {
        const Bytes text(text_.data(), text_size_);
        sink_.on_value({paths_.path_of(node_), kind, is_cut_, false, value_begin_, end, text});
        captures_ = false;
    }
    end_value();
}

void JsonScanner::end_key() {
    const bool is_known = captures_ && !is_cut_;
    node_ = is_known ? nest_.member({text_.data(), text_size_}) : JsonPaths::none;
    captures_ = is_key_ = false;
    state_ = State::colon;
}

/// Reads on in a string, up to its end, an escape or the end of the piece.
const char* JsonScanner::read_string(const char* at, const char* end, Status& status) {
    while (at != end) {
        const auto byte = static_cast<uint8_t>(*at);
        if (state_ == State::utf8) {
            if (byte < utf8_min_ || byte > utf8_max_) {
                position_ = position_of(at);
                status = bad("malformed UTF-8");
                return at;
            }
            utf8_min_ = 0x80;
            utf8_max_ = 0xbf;
            if (captures_) capture({at, 1});
            if (--utf8_left_ == 0) state_ = State::string;
            ++at;
            continue;
        }
        const char* const stop = find_json_text_stop(at, end);
        if (captures_ && stop != at) {
            lose_high_surrogate();
            capture({at, static_cast<size_t>(stop - at)});
        }
        at = stop;
        if (at == end) break;
        const char c = *at;
        if (c == '"') {
            lose_high_surrogate();
            if (is_key_) {
                end_key();
            } else {
                end_scalar(JsonKind::string, position_of(at + 1));
            }
            return at + 1;
        }
        if (c == '\\') {
            const char meaning = at + 1 != end ? escape_meaning(at[1]) : '\0';
            if (meaning == '\0') {
                state_ = State::escape;
                return at + 1;
            }
            lose_high_surrogate();
            capture({&meaning, 1});
            at += 2;
            continue;
        }
        const Utf8Tail tail = utf8_tail(static_cast<uint8_t>(c));
        if (tail.bytes == 0) {
            position_ = position_of(at);
            const bool is_control = static_cast<uint8_t>(c) < 0x20;
            status = bad(is_control ? "control character in a string" : "malformed UTF-8");
            return at;
        }
        utf8_left_ = tail.bytes;
        utf8_min_ = tail.min;
        utf8_max_ = tail.max;
        state_ = State::utf8;
        lose_high_surrogate();
        if (captures_) capture({at, 1});
        ++at;
    }
    return at;
}

Status JsonScanner::read_escape(char c) {
    if (c == 'u') {
        state_ = State::unicode;
        unicode_digits_ = 0;
        code_unit_ = 0;
        return {};
    }
    const char meaning = escape_meaning(c);
    if (meaning == '\0') return bad("malformed escape");
    lose_high_surrogate();
    capture({&meaning, 1});
    state_ = State::string;
    return {};
}

Status JsonScanner::read_unicode(char c) {
    const int digit = hex_value(c);
    if (digit < 0) return bad("malformed escape");
    code_unit_ = code_unit_ * 16 + static_cast<uint32_t>(digit);
    if (++unicode_digits_ < 4) return {};
    state_ = State::string;
    if (!captures_) return {};
    const bool is_low = code_unit_ >= 0xdc00 && code_unit_ <= 0xdfff;
    if (is_low && high_surrogate_ != 0) {
        capture_code_point(0x10000 + ((high_surrogate_ - 0xd800) << 10) + (code_unit_ - 0xdc00));
        high_surrogate_ = 0;
        return {};
    }
    lose_high_surrogate();
    if (code_unit_ >= 0xd800 && code_unit_ <= 0xdbff) {
        high_surrogate_ = code_unit_; // its other half follows, or it is lost
    } else {
        capture_code_point(is_low ? replacement : code_unit_);
    }
    return {};
}

/// A half without its other one is shown as U+FFFD: a key with it in it is another key.
void JsonScanner::lose_high_surrogate() {
    if (high_surrogate_ == 0) return;
    high_surrogate_ = 0;
    capture_code_point(replacement);
}

/// Whether `c` continues the number. Source: RFC 8259, 6.
bool JsonScanner::read_number(char c) {
    using enum NumberPart;
    NumberPart next = number_;
    if (is_digit(c)) {
        switch (number_) {
        case sign: next = c == '0' ? zero : integer; break;
        case zero: return false;
        case point: next = fraction; break;
        case e:
        case e_sign: next = exponent; break;
        default: break;
        }
    } else if (c == '.' && (number_ == zero || number_ == integer)) {
        next = point;
    } else if ((c == 'e' || c == 'E') &&
               (number_ == zero || number_ == integer || number_ == fraction)) {
        next = e;
    } else if ((c == '+' || c == '-') && number_ == e) {
        next = e_sign;
    } else {
        return false;
    }
    number_ = next;
    capture({&c, 1});
    return true;
}

bool JsonScanner::number_may_end() const {
    using enum NumberPart;
    return number_ == zero || number_ == integer || number_ == fraction || number_ == exponent;
}

void JsonScanner::capture(Bytes bytes) {
    if (!captures_) return;
    const size_t room = text_.size() - text_size_;
    if (bytes.size() > room) is_cut_ = true;
    const size_t taken = std::min(room, bytes.size());
    std::memcpy(text_.data() + text_size_, bytes.data(), taken);
    text_size_ = static_cast<uint16_t>(text_size_ + taken);
}

void JsonScanner::capture_code_point(uint32_t code_point) {
    char bytes[4];
    size_t size = 0;
    auto put = [&](uint32_t byte) { bytes[size++] = static_cast<char>(byte); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xc0 | code_point >> 6);
        put(0x80 | (code_point & 0x3f));
    } else if (code_point < 0x10000) {
        put(0xe0 | code_point >> 12);
        put(0x80 | (code_point >> 6 & 0x3f));
        put(0x80 | (code_point & 0x3f));
    } else {
        put(0xf0 | code_point >> 18);
        put(0x80 | (code_point >> 12 & 0x3f));
        put(0x80 | (code_point >> 6 & 0x3f));
        put(0x80 | (code_point & 0x3f));
    }
    capture({bytes, size});
}

} // namespace ringway::wire
