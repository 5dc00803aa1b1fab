#pragma once

#include <memory>

#include "gateway/worker_state.h"
#include "ring/task.h"

namespace ringway::gateway {

/// Serves one accepted connection to its end: its requests, one after the other.
ring::Task<void> serve_connection(WorkerState& worker, int socket,
                                  std::unique_ptr<net::Filter> filter);

} // namespace ringway::gateway
