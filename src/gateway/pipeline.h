#pragma once

#include "gateway/worker_state.h"
#include "ring/task.h"

namespace ringway::gateway {

/// Whether the client's connection serves another request.
enum class AfterAnswer : uint8_t { keep_open, close, linger };

/// Serves one request whose head the connection holds. The order of an exchange is written here and
/// nowhere else.
ring::Task<AfterAnswer> process_request(WorkerState& worker, http::ServerConnection& client);

} // namespace ringway::gateway
