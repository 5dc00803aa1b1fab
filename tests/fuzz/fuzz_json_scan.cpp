// The JSON scan, against the tree.

#include <algorithm>
#include <cstring>

#include "fuzz.h"
#include "wire/json.h"
#include "wire/json_scan.h"

using namespace ringway;
using namespace ringway::fuzz;
using namespace ringway::wire;

namespace {

struct Found {
    int path = 0;
    JsonKind kind = JsonKind::null;
    std::string text;
    uint64_t begin = 0;
    uint64_t end = 0;
    bool is_cut = false;
    bool is_empty = false;
    bool operator==(const Found&) const = default;
};

struct Collector final : JsonSink {
    std::vector<Found> found;
    void on_value(const JsonValue& value) override {
        found.push_back({value.path, value.kind, std::string(value.text), value.begin, value.end,
                         value.is_cut, value.is_empty});
    }
};

const JsonPaths& paths() {
    static const JsonPaths made{"", "a", "a.b", "a[].b", "a[][]", "model", "[]"};
    return made;
}

struct Outcome {
    std::vector<Found> found;
    bool is_valid = false;
    uint64_t position = 0;
    bool operator==(const Outcome&) const = default;
};

Outcome scan(const std::vector<Bytes>& pieces) {
    Collector collector;
    JsonScanner scanner(paths(), collector);
    Status status;
    for (const Bytes piece : pieces) {
        if (status) status = scanner.feed(piece);
    }
    if (status) status = scanner.finish();
    return {collector.found, status.has_value(), scanner.position()};
}

/// Lists the values of the tree that the scan should report, in the order of their ends.
void list_values(const Json& value, int node, std::vector<std::pair<int, const Json*>>& list) {
    if (node == JsonPaths::none) return;
    const int element = paths().element(node);
    for (const Json& inner : value.elements) list_values(inner, element, list);
    for (const Json::Member& member : value.members) {
        list_values(member.value, paths().member(node, member.key), list);
    }
    if (const int path = paths().path_of(node); path != JsonPaths::none)
        list.emplace_back(path, &value);
}

void require_agreement(Bytes document, const Json& value, const Found& found) {
    require(found.kind == value.kind, "scan and tree differ on a kind");
    require(found.end <= document.size() && found.begin < found.end, "a span outside the document");
    const Bytes span = document.substr(found.begin, found.end - found.begin);
    switch (value.kind) {
    case JsonKind::string:
        require(found.text == value.string.substr(0, JsonScanner::text_bytes_max),
                "another string");
        require(found.is_cut == (value.string.size() > JsonScanner::text_bytes_max), "cut or not");
        require(span.front() == '"' && span.back() == '"', "the span of a string");
        break;
    case JsonKind::boolean:
        require(found.text == (value.boolean ? "true" : "false"), "boolean");
        break;
    case JsonKind::null: require(found.text == "null", "null"); break;
    case JsonKind::number:
        require(found.is_cut || found.text == span, "a number is as it was written");
        break;
    default:
        require(found.is_empty == (value.elements.empty() && value.members.empty()),
                "empty or not");
    }
    const auto alone = parse_json(span, false);
    require(alone.has_value() && alone->kind == value.kind, "the span is a document of its kind");
    if (value.is_integer) require(alone->integer == value.integer, "the span is another number");
}

bool are_same(const Json& a, const Json& b) {
    if (a.kind != b.kind || !(a.position == b.position) || a.boolean != b.boolean ||
        a.is_integer != b.is_integer || a.integer != b.integer || a.string != b.string ||
        std::memcmp(&a.number, &b.number, sizeof a.number) != 0) {
        return false;
    }
    const auto are_same_members = [](const Json::Member& x, const Json::Member& y) {
        return x.key == y.key && x.position == y.position && are_same(x.value, y.value);
    };
    return std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(),
                      are_same) &&
           std::equal(a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
                      are_same_members);
}

bool is_utf8(Bytes text) {
    while (!text.empty()) {
        const size_t size = utf8_sequence_bytes(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const Bytes bytes = bytes_of(data, size);
    const Outcome whole = scan({bytes});
    for_some_splits(bytes, [&](const std::vector<Bytes>& pieces) {
        require(scan(pieces) == whole, "a split changes the scan");
    });
    const auto tree = parse_json(bytes, false);
    if (tree) {
        require(whole.is_valid, "the tree takes what the scan refuses");
        std::vector<std::pair<int, const Json*>> expected;
        list_values(*tree, paths().root(), expected);
        require(expected.size() == whole.found.size(), "scan and tree differ on what there is");
        for (size_t i = 0; i < expected.size(); ++i) {
            require(expected[i].first == whole.found[i].path, "scan and tree differ on a path");
            require_agreement(bytes, *expected[i].second, whole.found[i]);
        }
    } else if (whole.is_valid) {
        require(bytes.find("\\u") != Bytes::npos,
                "only half surrogates part the scan from the tree");
    }
    const auto relaxed = parse_json(bytes, true);
    if (tree) require(relaxed && are_same(*tree, *relaxed), "relaxed reading changes strict JSON");

    const auto quoted = parse_json(json_string(bytes), false);
    require(quoted && quoted->kind == JsonKind::string, "a quoted text is a JSON string");
    require(!is_utf8(bytes) || quoted->string == bytes, "a quoted text is read back as it was");
    return 0;
}
