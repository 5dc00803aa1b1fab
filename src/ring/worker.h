#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ring/loop.h"
#include "ring/uring_backend.h"

namespace ringway::ring {

struct WorkerOptions {
    unsigned index = 0;
    int cpu = -1; ///< the processor it is pinned to; below 0: not pinned
    UringBackendOptions backend;
    size_t block_bytes_max = 0; ///< see BlockPool; 0: no bound
};

/// One thread pinned to one core with its own ring and loop.
class Worker {
public:
    /// `main` runs on the worker's thread with the loop made: it sets up what the worker serves,
    /// calls loop.run(), and takes everything down again before it returns.
    using Main = std::function<void(Worker&)>;

    Worker(const WorkerOptions& options, Main main) : options_(options), main_(std::move(main)) {}
    /// Joins. The loop lives until then, so that letters that come late find their box.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Starts the thread; returns once its loop exists, or with the reason why it cannot.
    Result<void> start(std::string& explanation);
    void join() {
        if (thread_.joinable()) thread_.join();
    }

    unsigned index() const { return options_.index; }
    const WorkerOptions& options() const { return options_; }
    Loop& loop() { return *loop_; }
    UringBackend& backend() { return *backend_; }
    BlockPool& blocks() { return *blocks_; }

private:
    void run(std::promise<Result<void>>& started, std::string& explanation);

    WorkerOptions options_;
    Main main_;
    std::unique_ptr<BlockPool> blocks_;
    std::unique_ptr<UringBackend> backend_;
    std::unique_ptr<Loop> loop_;
    std::thread thread_;
};

/// The processors this process may use, lowest first.
std::vector<int> allowed_cpus();

/// "0,2-5" to {0,2,3,4,5}. Errors: {malformed, client} with what is wrong.
Result<std::vector<int>> parse_cpu_list(std::string_view text);

} // namespace ringway::ring
