#include "support/desync_cases.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

#include "base/text.h"

namespace ringway::tests {
namespace {

std::string unquote(Bytes text, Escapes escapes) {
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\') {
            out += text[at];
            continue;
        }
        const char escape = text.at(++at);
        if (escape == 'x') {
            unsigned code = 0;
            std::from_chars(text.data() + at + 1, text.data() + at + 3, code, 16);
            at += 2;
            if (code >= 0x80 && escapes == Escapes::code_points) {
                out += static_cast<char>(0xc0 | code >> 6);
                code = 0x80 | (code & 0x3f);
            }
            out += static_cast<char>(code);
            continue;
        }
        constexpr Bytes names = "tnr\"\\";
        constexpr Bytes meanings = "\t\n\r\"\\";
        const size_t index = names.find(escape);
        REQUIRE(index != Bytes::npos);
        out += meanings[index];
    }
    return out;
}

std::string scalar(Bytes text, Escapes escapes) {
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty()) return {};
    if (text.front() == '"' || text.front() == '\'') {
        REQUIRE(text.size() >= 2);
        REQUIRE(text.back() == text.front());
        const Bytes inner = text.substr(1, text.size() - 2);
        return text.front() == '"' ? unquote(inner, escapes) : std::string(inner);
    }
    return std::string(text);
}

} // namespace

std::string DesyncCase::head() const {
    std::string text = method + " " + uri + " " + version + "\r\n";
    bool has_host = false;
    for (const auto& [field_name, value] : fields) {
        text += field_name + ":" + value + "\r\n";
        has_host = has_host || base::equals_ignoring_case(field_name, "host");
    }
    return text + (has_host ? "\r\n" : "Host: localhost\r\n\r\n");
}

std::vector<DesyncCase> read_desync_cases(const std::string& path, Escapes escapes) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file.good());
    std::vector<DesyncCase> cases;
    for (std::string line; std::getline(file, line);) {
        Bytes rest = line;
        const size_t indent = std::min(rest.find_first_not_of(' '), rest.size());
        rest.remove_prefix(indent);
        if (rest.empty() || rest.front() == '#') continue;
        const bool is_item = rest.starts_with("- ");
        if (is_item) rest.remove_prefix(2);
        const size_t colon = rest.find(": ");
        if (colon == Bytes::npos) continue; // a heading, or one of required_message_items
        const Bytes key = rest.substr(0, colon);
        const std::string value = scalar(rest.substr(colon + 2), escapes);
        if (indent == 0 && is_item && key == "name") {
            cases.emplace_back().name = value;
            continue;
        }
        REQUIRE_FALSE(cases.empty());
        DesyncCase& current = cases.back();
        if (indent == 4 && is_item && key == "name") current.fields.emplace_back(value, "");
        if (indent == 6 && key == "value") current.fields.back().second = value;
        if (indent == 2 && key == "uri") current.uri = value;
        if (indent == 2 && key == "method") current.method = value;
        if (indent == 2 && key == "version") current.version = value;
        if (indent == 4 && !is_item && key == "tier") current.tier = value;
        if (indent == 4 && !is_item && key == "reason") current.reason = value;
    }
    return cases;
}

} // namespace ringway::tests
