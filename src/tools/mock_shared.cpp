#include "tools/mock_shared.h"

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"
#include "wire/json.h"

namespace ringway::tools {

std::expected<void, std::string> MockConfig::apply(Bytes key, Bytes value) {
    if (key == "replay") {
        replay = value;
        return {};
    }
    if (key == "record") {
        if (value != "0" && value != "1") return std::unexpected("\"record\" takes 0 or 1.");
        records = value == "1";
        return {};
    }
    if (key == "keep") {
        const auto number = base::parse_decimal(value);
        if (!number || *number == 0 || *number > 100'000) {
            return std::unexpected("\"keep\" takes a number from 1 to 100000.");
        }
        keep_max = static_cast<uint32_t>(*number);
        return {};
    }
    return defaults.apply(key, value);
}

void MockJournal::add(Bytes head, Bytes body) {
    const base::Sha256 digest = base::sha256(body);
    const std::lock_guard lock(mutex_);
    entries_.push_back({next_++, std::string(head), std::string(body.substr(0, body_bytes_max)),
                        body.size(), base::to_hex({digest.data(), digest.size()})});
    if (entries_.size() > requests_max_) entries_.pop_front();
}

void MockJournal::clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
}

std::string MockJournal::to_json() const {
    const std::lock_guard lock(mutex_);
    std::string text = "{\"requests\":[";
    for (const Entry& entry : entries_) {
        if (text.back() == '}') text += ',';
        text += "{\"number\":" + std::to_string(entry.number) +
                ",\"head\":" + wire::json_string(entry.head) +
                ",\"body\":" + wire::json_string(entry.body) +
                ",\"body_bytes\":" + std::to_string(entry.body_bytes) + ",\"body_sha256\":\"" +
                entry.sha256 + "\"}";
    }
    return text + "]}";
}

std::string MockShared::stats_json() const {
    struct Row {
        Bytes name;
        observe::Counter MockCounters::* counter;
    };
    static constexpr Row rows[] = {
        {"connections_open", &MockCounters::connections_open},
        {"connections_total", &MockCounters::connections_total},
        {"requests", &MockCounters::requests},
        {"answers_finished", &MockCounters::answers_finished},
        {"streams_open", &MockCounters::streams_open},
        {"tokens_written", &MockCounters::tokens},
        {"clients_gone", &MockCounters::clients_gone},
    };
    std::string text = "{";
    for (const Row& row : rows) {
        uint64_t sum = 0;
        for (const MockCounters& worker : counters) sum += (worker.*row.counter).value();
        text += "\"" + std::string(row.name) + "\":" + std::to_string(sum) + ",";
    }
    uint64_t gone_ns = 0;
    for (const MockCounters& worker : counters) {
        gone_ns = std::max(gone_ns, worker.last_client_gone_ns.value());
    }
    return text + "\"last_client_gone_ns\":" + std::to_string(gone_ns) +
           ",\"workers\":" + std::to_string(counters.size()) + "}";
}

} // namespace ringway::tools
