#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "ringway/config.h"

namespace ringway {

/// A running gateway. All members may be called from any thread.
class Server {
public:
    /// Starts the workers and listens. The error is a sentence for the operator.
    static std::expected<std::unique_ptr<Server>, std::string> start(Config config);
    /// Breaks off what runs.
    virtual ~Server() = default;

    /// Where it really listens: port 0 has become a port.
    virtual std::vector<std::string> addresses() const = 0;
    virtual std::string admin_address() const = 0;

    /// Requests from now on see `config`; the ones that run keep theirs. What cannot change while
    /// running (listen, admin, workers, cpuset) is named in the error, and then nothing changes.
    virtual std::expected<void, std::string> reload(Config config) = 0;

    /// No new connections or requests; answers under way are finished, up to Config::drain_time.
    virtual void drain() = 0;
    /// Breaks off what runs: streams end in an error event.
    virtual void stop() = 0;
    /// Returns when all workers have ended, after drain() or stop().
    virtual void wait() = 0;
};

} // namespace ringway
