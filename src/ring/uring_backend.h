#pragma once

#include <memory>
#include <string>

#include "ring/backend.h"

namespace ringway::ring {

struct UringBackendOptions {
    unsigned submission_entries = 1024;
    unsigned completion_entries = 8192;
    /// Shared receive buffers kept ready: doubled when they ran out, up to the maximum, and halved
    /// again when `buffers_calm` passed without that. 64 x 4 KiB stay in the second-level cache.
    unsigned buffers_min = 64;
    unsigned buffers_max = 1024;
    Duration buffers_calm = 1s;
};

struct UringBackendCounters {
    uint64_t enters = 0; ///< system calls
    uint64_t operations = 0;
    uint64_t completion_overflows = 0;
    uint64_t buffer_shortages = 0; ///< receives that found no buffer and were started anew
};

/// The production backend. Made and used on one thread; `blocks` outlives it.
class UringBackend : public Backend {
public:
    /// On failure `explanation` is one line for the operator: who refuses it, and what to change.
    static Result<std::unique_ptr<UringBackend>>
    make(BlockPool& blocks, const UringBackendOptions& options, std::string& explanation);
    virtual UringBackendCounters counters() const = 0;
    /// The kernel features in use, as words.
    virtual std::string features() const = 0;
};

} // namespace ringway::ring
