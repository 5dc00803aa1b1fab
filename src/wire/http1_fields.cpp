#include "wire/http1_fields.h"

#include <array>
#include <cstring>

#include "base/text.h"

namespace ringway::wire {
namespace {

constexpr auto id_count = static_cast<size_t>(FieldId::count_);

/// In the order of FieldId.
constexpr std::array<Bytes, id_count> names = {
    "",
    "accept",
    "accept-encoding",
    "alt-svc",
    "anthropic-beta",
    "anthropic-dangerous-direct-browser-access",
    "anthropic-organization-id",
    "anthropic-version",
    "anthropic-workspace-id",
    "api-key",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "openai-beta",
    "openai-organization",
    "openai-processing-ms",
    "openai-project",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "server",
    "set-cookie",
    "strict-transport-security",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-accel-buffering",
    "x-api-key",
    "x-goog-api-key",
    "x-request-id",
    "x-ringway-provider",
    "x-should-retry",
};

constexpr size_t table_size = 256;

constexpr size_t hash(Bytes name) {
    const auto at = [&](size_t i) { return static_cast<size_t>(base::to_lower(name[i])); };
    return (name.size() * 7 + at(0) * 31 + at(name.size() - 1) * 13 + at(name.size() / 2) * 5) %
           table_size;
}

/// Open addressing: a name stands at its hash or in the places after it, before any free one.
constexpr std::array<FieldId, table_size> make_table() {
    std::array<FieldId, table_size> table{};
    for (size_t id = 1; id < id_count; ++id) {
        size_t place = hash(names[id]);
        while (table[place] != FieldId::unknown) place = (place + 1) % table_size;
        table[place] = static_cast<FieldId>(id);
    }
    return table;
}

constexpr std::array<FieldId, table_size> table = make_table();

/// Whether `name`, made of token characters, is `known`, made of small letters, digits and hyphens,
/// but for case: no two token characters but the cases of a letter differ in bit 5 alone there.
bool is_name(Bytes name, Bytes known) {
    constexpr uint64_t case_bits = 0x2020202020202020;
    if (name.size() != known.size()) return false;
    const auto is_same = [&](size_t at) {
        uint64_t a = 0;
        uint64_t b = 0;
        std::memcpy(&a, name.data() + at, sizeof a);
        std::memcpy(&b, known.data() + at, sizeof b);
        return ((a ^ b) & ~case_bits) == 0;
    };
    if (name.size() < sizeof case_bits) return base::equals_ignoring_case(name, known);
    const size_t last = name.size() - sizeof case_bits;
    for (size_t at = 0; at < last; at += sizeof case_bits) {
        if (!is_same(at)) return false;
    }
    return is_same(last);
}

constexpr std::array<bool, 256> make_token_chars() {
    std::array<bool, 256> is_token{};
    for (unsigned c = '0'; c <= '9'; ++c) is_token[c] = true;
    for (unsigned c = 'a'; c <= 'z'; ++c) is_token[c] = true;
    for (unsigned c = 'A'; c <= 'Z'; ++c) is_token[c] = true;
    for (const char c : Bytes("!#$%&'*+-.^_`|~")) is_token[static_cast<unsigned char>(c)] = true;
    return is_token;
}

constexpr std::array<bool, 256> token_chars = make_token_chars();

} // namespace

FieldId field_id(Bytes name) {
    if (name.empty()) return FieldId::unknown;
    for (size_t place = hash(name);; place = (place + 1) % table_size) {
        const FieldId id = table[place];
        if (id == FieldId::unknown) return id;
        if (is_name(name, field_name(id))) return id;
    }
}

Bytes field_name(FieldId id) { return names[static_cast<size_t>(id)]; }

bool is_hop_by_hop(FieldId id) {
    switch (id) {
    case FieldId::connection:
    case FieldId::http2_settings:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
    }
}

bool is_token_char(char c) { return token_chars[static_cast<unsigned char>(c)]; }

} // namespace ringway::wire
