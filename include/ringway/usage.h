#pragma once

#include <cstdint>

namespace ringway {

/// What an exchange used, as the provider counted it. Counts are cumulative: the last one wins.
/// Source: the usage objects of the OpenAI and Anthropic APIs.
struct Usage {
    uint64_t input_tokens = 0;       ///< all of the prompt, cached reads and cache writes included
    uint64_t cached_tokens = 0;      ///< of the input: read from the provider's prompt cache
    uint64_t cache_write_tokens = 0; ///< of the input: written to it
    uint64_t output_tokens = 0;      ///< all that was generated, reasoning included
    uint64_t reasoning_tokens = 0;   ///< of the output
    bool is_known = false;           ///< the provider said so

    bool operator==(const Usage&) const = default;
};

} // namespace ringway
