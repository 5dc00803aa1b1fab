// Server-sent events, against a second decoder that is written for whole streams.

#include "fuzz.h"
#include "wire/sse.h"

using namespace ringway;
using namespace ringway::fuzz;
using namespace ringway::wire;

namespace {

std::vector<SseEvent> decode(const std::vector<Bytes>& pieces) {
    SseDecoder decoder;
    std::vector<SseEvent> events;
    for (const Bytes piece : pieces) {
        const Status status =
            decoder.feed(piece, [&](const SseEvent& event) { events.push_back(event); });
        require(status.has_value(), "a small stream has no event that is too large");
    }
    return events;
}

/// As the standard has it, line by line. Source: WHATWG HTML, 9.2.6.
std::vector<SseEvent> decode_whole(Bytes stream) {
    if (stream.starts_with("\xEF\xBB\xBF")) stream.remove_prefix(3);
    std::vector<SseEvent> events;
    SseEvent event;
    bool has_data = false;
    for (;;) {
        const size_t end = stream.find_first_of("\r\n");
        if (end == Bytes::npos) return events;
        const Bytes line = stream.substr(0, end);
        stream.remove_prefix(stream.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
        if (line.empty()) {
            if (has_data) events.push_back(event);
            event = {};
            has_data = false;
            continue;
        }
        const size_t colon = line.find(':');
        const Bytes field = line.substr(0, colon);
        Bytes value = colon == Bytes::npos ? Bytes() : line.substr(colon + 1);
        if (value.starts_with(' ')) value.remove_prefix(1);
        if (field == "event") event.name = value;
        if (field == "data") {
            if (has_data) event.data += '\n';
            has_data = true;
            event.data += value;
        }
    }
}

struct Counter {
    size_t ends = 0;
    void on_name_line() {}
    void on_name(Bytes fragment) { require(!fragment.empty(), "an empty fragment"); }
    void on_data(Bytes fragment) { require(!fragment.empty(), "an empty fragment"); }
    void on_data_line() {}
    void on_event_end() { ++ends; }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const Bytes bytes = bytes_of(data, size);
    const std::vector<SseEvent> whole = decode({bytes});
    for_some_splits(bytes, [&](const std::vector<Bytes>& pieces) {
        require(decode(pieces) == whole, "a split changes the events");
    });
    require(decode_whole(bytes) == whole, "the two decoders differ");
    SseParser parser;
    Counter counter;
    for (size_t at = 0; at < bytes.size();) {
        const size_t ends = counter.ends;
        const size_t read = parser.feed_event(bytes.substr(at), counter);
        require(read > 0 && at + read <= bytes.size(), "reading one event moves on");
        at += read;
        require(counter.ends <= ends + 1, "more than one event was read");
        require(at == bytes.size() || counter.ends == ends + 1, "it stopped within an event");
        if (counter.ends > ends) require(parser.is_between_events(), "an event has ended");
    }
    return 0;
}
