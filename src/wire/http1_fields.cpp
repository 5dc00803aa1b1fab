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
constexpr uint8_t case_bit = 0x20;

constexpr size_t hash(Bytes name) {
    const auto at = [&](size_t i) { return static_cast<size_t>(name[i] | case_bit) & 0xff; };
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

/// Whether the words at `a` and `b` are the same but for the case of letters.
template <class Word>
bool are_same_words(const char* a, const char* b) {
    constexpr auto case_bits = static_cast<Word>(0x2020202020202020);
    Word of_a;
    Word of_b;
    std::memcpy(&of_a, a, sizeof of_a);
    std::memcpy(&of_b, b, sizeof of_b);
    return ((of_a ^ of_b) & static_cast<Word>(~case_bits)) == 0;
}

/// Whether `name`, in which there are no controls, is `known`, made of small letters, digits and
/// hyphens, but for case: only the cases of a letter differ in bit 5 alone there.
bool is_name(Bytes name, Bytes known) {
    if (name.size() != known.size()) return false;
    const char* const end = name.data() + name.size();
    const char* const known_end = known.data() + known.size();
    if (name.size() < 4) return base::equals_ignoring_case(name, known);
    if (name.size() < 8) {
        return are_same_words<uint32_t>(name.data(), known.data()) &&
               are_same_words<uint32_t>(end - 4, known_end - 4);
    }
    for (size_t at = 0; at + 8 < name.size(); at += 8) {
        if (!are_same_words<uint64_t>(name.data() + at, known.data() + at)) return false;
    }
    return are_same_words<uint64_t>(end - 8, known_end - 8);
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
