#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "ringway/result.h"
#include "wire/json_nest.h"
#include "wire/json_paths.h"

namespace ringway::wire {

enum class JsonKind : uint8_t { null, boolean, number, string, object, array };

/// The length of the UTF-8 sequence that `text` begins with; 0 when it is none.
size_t utf8_sequence_bytes(Bytes text);

/// A value that a scan reports.
struct JsonValue {
    int path;
    JsonKind kind;
    bool is_cut;    ///< the text is longer than what is shown
    bool is_empty;  ///< a container without members
    uint64_t begin; ///< offset of its first byte in the document
    uint64_t end;   ///< offset behind its last byte
    Bytes text;     ///< of a scalar: as written, or the string's content without its escapes.
                    ///< Dies with the call.
};

class JsonSink {
public:
    /// Values are reported where they end, so a container comes after its members.
    virtual void on_value(const JsonValue& value) = 0;

protected:
    ~JsonSink() = default;
};

/// Reads a JSON document that arrives in pieces of any size, without building a tree and without
/// keeping it: checks the whole grammar and all UTF-8, and reports the values at the given paths.
/// Keys are compared after unescaping. Both the document and each piece are read once.
/// Errors: {malformed, client}; position() then says where.
/// Source: RFC 8259; Unicode 15, table 3-7.
class JsonScanner {
public:
    static constexpr unsigned depth_max = JsonNest::depth_max;
    static constexpr size_t text_bytes_max = 256; ///< of a reported text or a compared key

    JsonScanner(const JsonPaths& paths, JsonSink& sink);
    /// Begins a new document.
    void reset();

    Status feed(Bytes piece);
    /// The document must be complete.
    Status finish();
    /// Bytes read so far; after an error, the offset of the byte that was wrong.
    uint64_t position() const { return position_; }
    bool is_complete() const { return state_ == State::done || is_number_at_end(); }

private:
    enum class State : uint8_t {
        value,
        value_or_end, ///< after [
        key_or_end,   ///< after {
        key,          ///< after , in an object
        colon,
        comma_or_end, ///< the last of those between tokens
        string,
        escape,
        unicode,
        utf8,
        number,
        literal,
        done,
    };
    enum class NumberPart : uint8_t { sign, zero, integer, point, fraction, e, e_sign, exponent };

    const char* read_whole_tokens(const char* at, const char* end);
    const char* read_tail(const char* at, const char* end);
    const char* read_members(const char* at, const char* last, const char* end);
    bool read_key(const char*& at, const char* last, const char* end);
    bool read_scalar(const char*& at, const char* end);
    bool read_end(const char*& at, const char* last, const char* end);
    void report_scalar(const char* at, const char* to);
    bool is_reported() const { return paths_.path_of(node_) != JsonPaths::none; }
    /// Of a byte of the piece at hand.
    uint64_t position_of(const char* at) const { return origin_ + address_of(at); }
    static uint64_t address_of(const char* at) { return reinterpret_cast<uintptr_t>(at); }
    void begin_text(bool is_key, uint64_t begin);
    Status begin_value(char c);
    void open(bool is_object, uint64_t begin);
    Status close(char c);
    void close(uint64_t end);
    void report_container(uint64_t end);
    void end_scalar(JsonKind kind, uint64_t end);
    void end_value() { state_ = nest_.is_outside() ? State::done : State::comma_or_end; }
    void next_member() {
        if (nest_.in_object()) {
            state_ = State::key; // which knows the node
        } else {
            state_ = State::value;
            node_ = nest_.element();
        }
    }
    void end_key();
    Status structural(char c);
    const char* read_string(const char* at, const char* end, Status& status);
    Status read_escape(char c);
    Status read_unicode(char c);
    bool read_number(char c);
    bool number_may_end() const;
    bool is_number_at_end() const {
        return state_ == State::number && nest_.is_outside() && number_may_end();
    }
    void capture(Bytes bytes);
    void lose_high_surrogate();
    void capture_code_point(uint32_t code_point);
    Status bad(std::string_view what) const { return client_error(Code::malformed, what); }

    const JsonPaths& paths_;
    JsonSink& sink_;
    uint64_t position_ = 0;
    uint64_t origin_ = 0; ///< what takes an address in the piece at hand to its position
    uint64_t value_begin_ = 0;
    JsonNest nest_;
    const char* literal_ = nullptr;
    uint32_t code_unit_ = 0;
    uint32_t high_surrogate_ = 0;
    uint16_t text_size_ = 0;
    State state_ = State::value;
    NumberPart number_ = NumberPart::sign;
    uint8_t unicode_digits_ = 0;
    uint8_t utf8_left_ = 0;
    uint8_t utf8_min_ = 0x80;
    uint8_t utf8_max_ = 0xbf;
    int node_ = 0; ///< of the value that begins or is being read; JsonPaths::none: nobody asked
    bool is_key_ = false;
    bool captures_ = false;
    bool is_cut_ = false;
    std::array<char, text_bytes_max> text_;
};

} // namespace ringway::wire
