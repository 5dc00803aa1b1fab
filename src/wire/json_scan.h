#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "ringway/result.h"

namespace ringway::wire {

enum class JsonKind : uint8_t { null, boolean, number, string, object, array };

/// The length of the UTF-8 sequence that `text` begins with; 0 when it is none.
size_t utf8_sequence_bytes(Bytes text);

/// The places in a document that a scan reports: "model", "stream_options.include_usage",
/// "choices[].finish_reason"; "" is the document itself. A path is known by its index in the list.
/// Made once, at start; shared by all scanners.
class JsonPaths {
public:
    JsonPaths(std::initializer_list<Bytes> paths)
        : JsonPaths(std::span<const Bytes>(paths.begin(), paths.size())) {}
    explicit JsonPaths(std::span<const Bytes> paths);

    static constexpr int none = -1;
    static constexpr size_t depth_max = 8;
    int root() const { return 0; }
    bool has_children(int node) const { return nodes_[static_cast<size_t>(node)].child != none; }
    int path_of(int node) const { return nodes_[static_cast<size_t>(node)].path; }
    int child(int node, Bytes key) const;

private:
    struct Node {
        Bytes key;
        int path = none;
        int child = none;
        int sibling = none;
    };
    int add_child(int node, Bytes key);
    std::vector<Node> nodes_;
};

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
    static constexpr unsigned depth_max = 64;     ///< deeper than tools and schemas go
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
        comma_or_end,
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
    const char* leave(uint64_t front, const char* at) {
        position_ = front;
        return at;
    }
    const char* read_whole_key(const char* at, const char* end);
    const char* read_whole_value(const char* at, const char* end);
    const char* read_whole_scalar(JsonKind kind, const char* at, size_t bytes);
    bool reports_keys() const {
        return depth_ <= JsonPaths::depth_max && nodes_[depth_ - 1U] != JsonPaths::none &&
               paths_.has_children(nodes_[depth_ - 1U]);
    }
    bool is_reported() const {
        return node_ != JsonPaths::none && paths_.path_of(node_) != JsonPaths::none;
    }
    void next_member();
    void match_key(Bytes key, bool is_known);
    Status begin_value(char c);
    Status open(char c);
    Status close(char c);
    void end_scalar(JsonKind kind, uint64_t end);
    void end_value();
    void end_key();
    Status structural(char c);
    const char* read_string(const char* at, const char* end, Status& status);
    Status read_escape(char c);
    Status read_unicode(char c);
    bool read_number(char c);
    bool number_may_end() const;
    bool is_number_at_end() const {
        return state_ == State::number && depth_ == 0 && number_may_end();
    }
    void capture(Bytes bytes);
    void lose_high_surrogate();
    void capture_code_point(uint32_t code_point);
    bool in_object() const {
        return depth_ > 0 && (containers_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0;
    }
    Status bad(std::string_view what) const { return client_error(Code::malformed, what); }

    const JsonPaths& paths_;
    JsonSink& sink_;
    uint64_t position_ = 0;
    uint64_t value_begin_ = 0;
    std::array<uint64_t, depth_max / 64> containers_{}; ///< a bit per open container: is an object
    std::array<uint64_t, JsonPaths::depth_max> begins_{}; ///< where the open containers began
    std::array<int8_t, JsonPaths::depth_max> nodes_{};    ///< and their path nodes
    const char* literal_ = nullptr;
    uint32_t code_unit_ = 0;
    uint32_t high_surrogate_ = 0;
    uint16_t depth_ = 0;
    uint16_t text_size_ = 0;
    State state_ = State::value;
    NumberPart number_ = NumberPart::sign;
    uint8_t unicode_digits_ = 0;
    uint8_t utf8_left_ = 0;
    uint8_t utf8_min_ = 0x80;
    uint8_t utf8_max_ = 0xbf;
    int8_t node_ = 0; ///< of the value that begins or is being read; JsonPaths::none: nobody asked
    bool is_key_ = false;
    bool captures_ = false;
    bool is_cut_ = false;
    std::array<char, text_bytes_max> text_;
};

} // namespace ringway::wire
