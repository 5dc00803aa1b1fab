#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "base/bytes.h"

namespace ringway::tools {

/// What goes wrong with an answer of the mock, on purpose.
enum class MockFault : uint8_t {
    none,
    status, ///< an HTTP error; the row says which
    reset,
    close,
    silence,
    slow,
    cut,
    cut_mid_event,
    reset_mid,
    stall,
    malformed_event,
    malformed_chunk,
    no_done,
    no_finish,
    error_in_200,
    error_mid_stream,
    garbage,
    huge_head,
    two_lengths,
    bad_status,
    early_413,
};

struct MockFaultRow {
    Bytes name;
    MockFault fault;
    uint16_t status; ///< of MockFault::status
    Bytes help;
};

/// All faults, in the order they are explained.
std::span<const MockFaultRow> mock_faults();

/// The error is a sentence that lists near names.
std::expected<const MockFaultRow*, std::string> find_mock_fault(Bytes name);

} // namespace ringway::tools
