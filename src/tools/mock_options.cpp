#include "tools/mock_options.h"

#include <algorithm>
#include <vector>

#include "base/duration_text.h"
#include "base/text.h"
#include "wire/http1_fields.h"

namespace ringway::tools {
namespace {

using Applied = std::expected<void, std::string>;

constexpr uint32_t tokens_max = 10'000'000;
constexpr uint32_t bytes_max = 16384; ///< of a token: an event with its JSON fits a block
constexpr uint32_t dimensions_max = 4096;
constexpr uint32_t groups_max = 1000;

Applied wrong(Bytes key, Bytes value, const std::string& expected) {
    return std::unexpected("The mock option \"" + std::string(key) + "\" takes " + expected +
                           ", not \"" + std::string(value) + "\".");
}

Applied set_number(Bytes key, Bytes value, uint32_t min, uint32_t max, uint32_t& into) {
    const auto number = base::parse_decimal(value);
    if (!number || *number < min || *number > max) {
        return wrong(key, value,
                     "a number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    into = static_cast<uint32_t>(*number);
    return {};
}

Applied set_duration(Bytes key, Bytes value, Duration& into) {
    const auto duration = base::parse_duration(value);
    if (!duration || *duration > 24h) return wrong(key, value, "a time such as 10ms, at most 24h");
    into = *duration;
    return {};
}

Applied set_switch(Bytes key, Bytes value, bool& into) {
    if (value != "0" && value != "1") return wrong(key, value, "0 or 1");
    into = value == "1";
    return {};
}

Applied set_fault(MockOptions& options, Bytes value) {
    const auto row = find_mock_fault(value);
    if (!row) return std::unexpected(row.error());
    options.fault_row = *row;
    return {};
}

Applied set_split(MockOptions& options, Bytes key, Bytes value) {
    const size_t colon = value.find(':');
    const Bytes kind = value.substr(0, colon);
    const auto number =
        colon == Bytes::npos ? std::nullopt : base::parse_decimal(value.substr(colon + 1));
    const bool is_plain = colon == Bytes::npos;
    if (kind == "whole" && is_plain) {
        options.split = MockSplit::whole;
    } else if (kind == "events" && is_plain) {
        options.split = MockSplit::events;
    } else if (kind == "bytes" && number.value_or(0) > 0) {
        options.split = MockSplit::bytes;
    } else if (kind == "random" && number) {
        options.split = MockSplit::random;
    } else {
        return wrong(key, value, "whole, events, bytes:N or random:SEED");
    }
    options.split_number = number.value_or(0);
    return {};
}

Applied set_framing(MockOptions& options, Bytes key, Bytes value) {
    if (value == "chunked") {
        options.framing = MockFraming::chunked;
    } else if (value == "length") {
        options.framing = MockFraming::length;
    } else if (value == "close") {
        options.framing = MockFraming::close;
    } else {
        return wrong(key, value, "chunked, length or close");
    }
    return {};
}

struct OptionRow {
    Bytes key;
    Applied (*set)(MockOptions&, Bytes key, Bytes value);
};

constexpr OptionRow rows[] = {
    {"tokens",
     [](MockOptions& o, Bytes k, Bytes v) { return set_number(k, v, 0, tokens_max, o.tokens); }},
    {"delay", [](MockOptions& o, Bytes k, Bytes v) { return set_duration(k, v, o.delay); }},
    {"ttft", [](MockOptions& o, Bytes k, Bytes v) { return set_duration(k, v, o.ttft); }},
    {"gap", [](MockOptions& o, Bytes k, Bytes v) { return set_duration(k, v, o.gap); }},
    {"burst",
     [](MockOptions& o, Bytes k, Bytes v) { return set_number(k, v, 1, tokens_max, o.burst); }},
    {"bytes",
     [](MockOptions& o, Bytes k, Bytes v) { return set_number(k, v, 1, bytes_max, o.bytes); }},
    {"jitter", [](MockOptions& o, Bytes k, Bytes v) { return set_number(k, v, 0, 100, o.jitter); }},
    {"groups",
     [](MockOptions& o, Bytes k, Bytes v) { return set_number(k, v, 0, groups_max, o.groups); }},
    {"stamp", [](MockOptions& o, Bytes k, Bytes v) { return set_switch(k, v, o.stamp); }},
    {"fault", [](MockOptions& o, Bytes, Bytes v) { return set_fault(o, v); }},
    {"at", [](MockOptions& o, Bytes k,
              Bytes v) { return set_number(k, v, 0, tokens_max, o.at.emplace()); }},
    {"input",
     [](MockOptions& o, Bytes k, Bytes v) { return set_number(k, v, 0, tokens_max, o.input); }},
    {"dimensions", [](MockOptions& o, Bytes k,
                      Bytes v) { return set_number(k, v, 1, dimensions_max, o.dimensions); }},
    {"tools", [](MockOptions& o, Bytes k, Bytes v) { return set_switch(k, v, o.calls_tools); }},
    {"split", [](MockOptions& o, Bytes k, Bytes v) { return set_split(o, k, v); }},
    {"pace", [](MockOptions& o, Bytes k, Bytes v) { return set_duration(k, v, o.pace); }},
    {"framing", [](MockOptions& o, Bytes k, Bytes v) { return set_framing(o, k, v); }},
};

} // namespace

Applied MockOptions::apply(Bytes key, Bytes value) {
    std::vector<std::string> keys;
    for (const OptionRow& row : rows) {
        if (row.key == key) return row.set(*this, key, value);
        keys.emplace_back(row.key);
    }
    std::string message = "There is no mock option \"" + std::string(key) + "\". Near ones:";
    for (const std::string& near : base::near_names(key, keys, 3)) message += " " + near;
    return std::unexpected(message + ".");
}

Applied MockOptions::apply_list(Bytes list) {
    Applied outcome;
    wire::for_each_list_element(list, [&](Bytes element) {
        if (!outcome) return;
        const size_t equals = element.find('=');
        if (equals == Bytes::npos) {
            outcome = std::unexpected("Mock options are key=value pairs; \"" +
                                      std::string(element) + "\" is none.");
        } else {
            outcome = apply(element.substr(0, equals), element.substr(equals + 1));
        }
    });
    return outcome;
}

Applied MockOptions::apply_model(Bytes model) {
    const size_t equals = model.find('=');
    if (equals == Bytes::npos) return {};
    const size_t colon = model.substr(0, equals).find(':');
    if (colon == Bytes::npos) return {};
    return apply_list(model.substr(colon + 1));
}

} // namespace ringway::tools
