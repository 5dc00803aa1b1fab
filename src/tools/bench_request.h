#pragma once

#include <cstdint>
#include <string>

#include "ring/buffers.h"
#include "tools/bench_options.h"

namespace ringway::tools {

/// The request that all workers send to one target, head and body, made once. With unique prompts a
/// number stands in the middle of the prompt.
class BenchRequest {
public:
    BenchRequest(const BenchOptions& options, const BenchTarget& target);

    /// Queues the bytes of request number `number`. They view this object, which outlives all
    /// sends.
    void write(uint64_t number, ring::BlockPool& blocks, ring::SliceQueue& out) const;
    Bytes before() const { return before_; }
    Bytes after() const { return after_; }

private:
    std::string before_; ///< up to the number; all of it without one
    std::string after_;
    bool is_unique_;
};

} // namespace ringway::tools
