#include "tools/mock_faults.h"

#include <vector>

#include "base/text.h"

namespace ringway::tools {
namespace {

constexpr MockFaultRow rows[] = {
    {"none", MockFault::none, 0, "a good answer"},
    {"400", MockFault::status, 400, "a malformed request, says the error"},
    {"401", MockFault::status, 401, "a wrong key, says the error"},
    {"404", MockFault::status, 404, "an unknown model, says the error"},
    {"429", MockFault::status, 429, "a rate limit, with retry-after: 1 and what is left"},
    {"500", MockFault::status, 500, "a fault of the provider"},
    {"502", MockFault::status, 502, "a proxy's HTML page, as load balancers send it"},
    {"503", MockFault::status, 503, "the provider is overloaded"},
    {"529", MockFault::status, 529, "the provider is overloaded, in Anthropic's way"},
    {"reset", MockFault::reset, 0, "RST before any byte"},
    {"close", MockFault::close, 0, "FIN before any byte"},
    {"silence", MockFault::silence, 0, "never an answer; the connection stays open"},
    {"slow", MockFault::slow, 0, "the first token after 10 s, or after ttft"},
    {"cut", MockFault::cut, 0, "closed after `at` tokens, between two events"},
    {"cut_mid_event", MockFault::cut_mid_event, 0, "closed after `at` tokens and half an event"},
    {"reset_mid", MockFault::reset_mid, 0, "RST after `at` tokens"},
    {"stall", MockFault::stall, 0, "nothing more after `at` tokens; the connection stays open"},
    {"malformed_event", MockFault::malformed_event, 0,
     "broken JSON in the event after `at` tokens"},
    {"malformed_chunk", MockFault::malformed_chunk, 0, "broken chunk framing after `at` tokens"},
    {"no_done", MockFault::no_done, 0, "the last event is missing; the chunked body ends well"},
    {"no_finish", MockFault::no_finish, 0, "no event tells the finish reason"},
    {"error_in_200", MockFault::error_in_200, 0, "status 200, and an error as body or first event"},
    {"error_mid_stream", MockFault::error_mid_stream, 0, "an error event after `at` tokens"},
    {"garbage", MockFault::garbage, 0, "bytes that are not HTTP"},
    {"huge_head", MockFault::huge_head, 0, "a response head of 256 KiB"},
    {"two_lengths", MockFault::two_lengths, 0, "two Content-Length fields that differ"},
    {"bad_status", MockFault::bad_status, 0, "a status line that is none"},
    {"early_413", MockFault::early_413, 413,
     "413 before the body was read, then closed; by flag or "
     "header only, as the model stands in the body"},
};

} // namespace

std::span<const MockFaultRow> mock_faults() { return rows; }

std::expected<const MockFaultRow*, std::string> find_mock_fault(Bytes name) {
    std::vector<std::string> names;
    for (const MockFaultRow& row : rows) {
        if (row.name == name) return &row;
        names.emplace_back(row.name);
    }
    std::string message = "There is no fault \"" + std::string(name) + "\". Near ones:";
    for (const std::string& near : base::near_names(name, names, 4)) message += " " + near;
    return std::unexpected(message + ".");
}

} // namespace ringway::tools
