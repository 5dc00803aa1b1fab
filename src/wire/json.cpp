#include "wire/json.h"

#define PICOJSON_USE_INT64
#define PICOJSON_USE_LOCALE 0
#include <picojson.h>

#include <algorithm>
#include <cmath>

namespace ringway::wire {
namespace {

using Input = picojson::input<const char*>;

/// Finds lines and columns of offsets that mostly grow.
class PositionFinder {
public:
    explicit PositionFinder(Bytes text) : text_(text) {}

    TextPosition at(size_t offset) {
        if (offset < offset_) {
            offset_ = 0;
            position_ = {};
        }
        for (; offset_ < offset && offset_ < text_.size(); ++offset_) {
            if (text_[offset_] == '\n') {
                ++position_.line;
                position_.column = 1;
            } else {
                ++position_.column;
            }
        }
        return position_;
    }

private:
    Bytes text_;
    size_t offset_ = 0;
    TextPosition position_;
};

/// Where picojson's parser puts what it reads. The text was checked before: it is valid JSON.
class TreeBuilder {
public:
    TreeBuilder(Json& out, Bytes text, PositionFinder& positions, size_t offset)
        : out_(out), text_(text), positions_(positions) {
        out_.position = positions_.at(offset);
    }

    bool set_null() { return true; }
    bool set_bool(bool value) {
        out_.kind = JsonKind::boolean;
        out_.boolean = value;
        return true;
    }
    bool set_int64(int64_t value) {
        out_.kind = JsonKind::number;
        out_.is_integer = true;
        out_.integer = value;
        out_.number = static_cast<double>(value);
        return true;
    }
    bool set_number(double value) {
        out_.kind = JsonKind::number;
        out_.number = value;
        return true;
    }
    bool parse_string(Input& in) {
        out_.kind = JsonKind::string;
        return picojson::_parse_string(out_.string, in);
    }
    bool parse_array_start() {
        out_.kind = JsonKind::array;
        return true;
    }
    bool parse_array_item(Input& in, size_t) { return parse(out_.elements.emplace_back(), in); }
    bool parse_array_stop(size_t) { return true; }
    bool parse_object_start() {
        out_.kind = JsonKind::object;
        return true;
    }
    bool parse_object_item(Input& in, const std::string& key) {
        Json::Member& member = out_.members.emplace_back();
        member.key = key;
        member.position = positions_.at(key_offset(offset_of(in)));
        return parse(member.value, in);
    }
    bool parse_object_stop() { return true; }

private:
    bool parse(Json& into, Input& in) {
        in.skip_ws();
        TreeBuilder inner(into, text_, positions_, offset_of(in));
        return picojson::_parse(inner, in);
    }
    size_t offset_of(Input& in) const { return static_cast<size_t>(in.cur() - text_.data()); }

    /// The opening quote of the key that ends before `offset`, which is behind its colon.
    size_t key_offset(size_t offset) const {
        size_t at = text_.rfind('"', offset - 1);
        for (;;) {
            at = text_.rfind('"', at - 1);
            size_t slashes = 0;
            while (slashes < at && text_[at - 1 - slashes] == '\\') ++slashes;
            if (slashes % 2 == 0) return at;
        }
    }

    Json& out_;
    Bytes text_;
    PositionFinder& positions_;
};

/// Blanks out comments and trailing commas; every other byte keeps its place.
std::string blank_out(Bytes text) {
    std::string out(text);
    size_t last_comma = std::string::npos; // with nothing but space and comments behind it
    bool follows_value = false;            // so that a comma may be a trailing one
    for (size_t at = 0; at < out.size(); ++at) {
        const char c = out[at];
        if (c == '"') {
            for (++at; at < out.size() && out[at] != '"'; ++at) {
                if (out[at] == '\\') ++at;
            }
            last_comma = std::string::npos;
            follows_value = true;
        } else if (text.substr(at).starts_with("//")) {
            for (; at < out.size() && out[at] != '\n'; ++at) out[at] = ' ';
        } else if (text.substr(at).starts_with("/*")) {
            const size_t close = text.find("*/", at + 2);
            const size_t end = close == Bytes::npos ? at : close + 2; // unclosed: left, an error
            for (; at < end; ++at) {
                if (out[at] != '\n') out[at] = ' ';
            }
            if (end > 0 && close != Bytes::npos) --at;
        } else if (c == ',') {
            last_comma = follows_value ? at : std::string::npos;
            follows_value = false;
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            if ((c == '}' || c == ']') && last_comma != std::string::npos) out[last_comma] = ' ';
            last_comma = std::string::npos;
            follows_value = c != '[' && c != '{' && c != ':';
        }
    }
    return out;
}

struct IgnoringSink final : JsonSink {
    void on_value(const JsonValue&) override {}
};

} // namespace

const Json* Json::find(Bytes key) const {
    const auto found = std::find_if(members.rbegin(), members.rend(),
                                    [&](const Member& member) { return member.key == key; });
    return found == members.rend() ? nullptr : &found->value;
}

std::expected<Json, JsonError> parse_json(Bytes text, bool is_relaxed) {
    static const JsonPaths no_paths{};
    const std::string blanked = is_relaxed ? blank_out(text) : std::string(text);
    PositionFinder positions(blanked);
    IgnoringSink sink;
    JsonScanner scanner(no_paths, sink);
    Status checked = scanner.feed(blanked);
    if (checked) checked = scanner.finish();
    if (!checked) {
        return std::unexpected(
            JsonError{positions.at(scanner.position()), std::string(checked.error().what)});
    }
    Json tree;
    Input in(blanked.data(), blanked.data() + blanked.size());
    in.skip_ws();
    TreeBuilder builder(tree, blanked, positions, static_cast<size_t>(in.cur() - blanked.data()));
    if (!picojson::_parse(builder, in)) {
        const auto offset = static_cast<size_t>(in.cur() - blanked.data());
        return std::unexpected(JsonError{positions.at(offset), "not understood"});
    }
    return tree;
}

void append_json_string(std::string& to, Bytes text) {
    constexpr Bytes digits = "0123456789abcdef";
    to += '"';
    for (size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte == '"' || byte == '\\') {
            to += '\\';
            to += text[at];
        } else if (byte == '\n') {
            to += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            to += "\\u00";
            to += digits[byte >> 4];
            to += digits[byte & 15];
        } else if (byte < 0x80) {
            to += text[at];
        } else {
            const size_t size = utf8_sequence_bytes(text.substr(at));
            if (size == 0) {
                to += "\\ufffd";
            } else {
                to += text.substr(at, size);
                at += size - 1;
            }
        }
    }
    to += '"';
}

std::string json_string(Bytes text) {
    std::string quoted;
    append_json_string(quoted, text);
    return quoted;
}

} // namespace ringway::wire
