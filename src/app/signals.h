#pragma once

namespace ringway::app {

/// What the operator wants of the process.
enum class Order : unsigned char { drain, stop, reload };

/// Blocks the signals that carry orders in this thread and all that it starts: call it before any
/// thread exists. Writing to a closed connection raises no SIGPIPE either.
void block_order_signals();

/// Waits for the next order: SIGTERM or a first SIGINT drain, a second SIGINT or SIGQUIT stops,
/// SIGHUP reloads.
Order wait_for_order();

} // namespace ringway::app
