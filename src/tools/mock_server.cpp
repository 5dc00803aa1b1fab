#include "tools/mock_server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>

#include "net/listener.h"
#include "ring/worker.h"
#include "tools/mock_worker.h"

namespace ringway::tools {
namespace {

/// One worker of the mock: its listener, and what its connections share.
class MockPart {
public:
    MockPart(MockShared& shared, ring::Worker& worker, const net::TlsTicketKeys& ticket_keys)
        : shared_(shared), worker_(worker), ticket_keys_(ticket_keys) {}

    /// Runs on the worker's thread until it has drained or stopped. `address` becomes where it
    /// listens; `started` gets what is wrong, or nothing.
    void run(net::Address& address, std::promise<std::string>& started) {
        ring::Loop& loop = worker_.loop();
        state_.emplace(loop, shared_, worker_.index());
        order_.emplace(loop);
        std::string problem = listen(address);
        if (!problem.empty()) state_->is_draining = true;
        ring::Scope scope;
        scope.spawn(live());
        started.set_value(std::move(problem));
        loop.run();
        listener_.reset();
        tls_.reset();
        order_.reset();
        state_.reset();
    }

    // From any thread ----------------------------------------------------------------------------
    void end(bool at_once) {
        worker_.loop().mailbox().post([this, at_once] {
            if (!state_) return; // it has ended already
            at_once ? state_->stop() : state_->drain();
            order_->raise();
        });
    }

private:
    std::string listen(net::Address& address) {
        const MockConfig& config = shared_.config;
        if (!config.tls_certificate_pem.empty()) {
            auto tls = net::TlsServer::make({config.tls_certificate_pem, config.tls_key_pem},
                                            ticket_keys_);
            if (!tls) return tls.error();
            tls_ = std::move(*tls);
        }
        auto listener =
            net::Listener::open(worker_.loop(), address, [this](int socket) { on_accept(socket); });
        if (!listener) {
            return "cannot listen on " + address.to_string() + ": " +
                   std::strerror(listener.error().sys_errno);
        }
        listener_ = std::move(*listener);
        address = listener_->address();
        return "";
    }

    void on_accept(int socket) {
        state_->scope.spawn(serve_mock_connection(
            *state_, socket, tls_ != nullptr ? tls_->accept(worker_.loop()) : nullptr));
    }

    ring::Task<void> live() {
        while (!state_->is_draining) co_await order_->wait();
        if (listener_ != nullptr) {
            ring::Signal stopped(worker_.loop());
            listener_->stop(stopped);
            while (!listener_->is_stopped()) co_await stopped.wait();
        }
        co_await state_->scope.drained();
        worker_.loop().stop();
    }

    MockShared& shared_;
    ring::Worker& worker_;
    const net::TlsTicketKeys& ticket_keys_;
    std::optional<MockWorker> state_;
    std::unique_ptr<net::TlsServer> tls_;
    std::unique_ptr<net::Listener> listener_;
    std::optional<ring::Signal> order_;
};

/// The processors to run on; empty with `problem` set when they cannot be had.
std::vector<int> processors(const std::string& cpuset, std::string& problem) {
    const std::vector<int> allowed = ring::allowed_cpus();
    if (cpuset.empty()) return allowed;
    const auto wanted = ring::parse_cpu_list(cpuset);
    if (!wanted) {
        problem = "cpuset: " + std::string(wanted.error().what);
        return {};
    }
    for (const int cpu : *wanted) {
        if (std::find(allowed.begin(), allowed.end(), cpu) == allowed.end()) {
            problem = "cpuset: this process may not use processor " + std::to_string(cpu);
            return {};
        }
    }
    return *wanted;
}

/// Workers share their port, and so could another process: asks first for the port alone.
std::string check_is_free(const net::Address& address) {
    if (address.is_unix() || address.port() == 0) return "";
    const int on = 1;
    const int socket = ::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool is_free = bind(socket, address.get(), address.length()) == 0;
    const std::string problem =
        is_free ? "" : "cannot listen on " + address.to_string() + ": " + std::strerror(errno);
    ::close(socket);
    return problem;
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

class RunningMock final : public MockServer {
public:
    explicit RunningMock(MockConfig config) : shared_(std::move(config)) {}
    ~RunningMock() override {
        stop();
        wait();
    }

    std::string begin() {
        raise_descriptor_limit();
        const MockConfig& config = shared_.config;
        auto address = net::parse_address(config.listen);
        if (!address) return config.listen + ": " + address.error();
        address_ = *address;
        if (std::string problem = check_is_free(address_); !problem.empty()) return problem;
        if (!config.replay.empty()) {
            auto recordings = MockRecordings::load(config.replay);
            if (!recordings) return recordings.error();
            shared_.recordings = std::move(*recordings);
        }
        std::string problem;
        const std::vector<int> cpus = processors(config.cpuset, problem);
        if (!problem.empty()) return problem;
        unsigned workers = config.workers.value_or(static_cast<unsigned>(cpus.size()));
        if (address_.is_unix()) workers = 1; // a path has one listener
        shared_.counters = std::vector<MockCounters>(workers);
        for (unsigned i = 0; i < workers && problem.empty(); ++i) {
            problem = begin_worker(i, workers <= cpus.size() ? cpus[i] : -1);
        }
        return problem;
    }

    std::string address() const override { return address_.to_string(); }
    uint16_t port() const override { return address_.port(); }
    std::string stats_json() const override { return shared_.stats_json(); }
    void drain() override {
        for (const auto& part : parts_) part->end(false);
    }
    void stop() override {
        for (const auto& part : parts_) part->end(true);
    }
    void wait() override {
        for (const auto& worker : workers_) worker->join();
    }

private:
    /// The first worker finds the port; the others share it.
    std::string begin_worker(unsigned index, int cpu) {
        ring::WorkerOptions options;
        options.index = index;
        options.cpu = cpu;
        auto started = std::make_shared<std::promise<std::string>>();
        auto outcome = started->get_future();
        auto worker =
            std::make_unique<ring::Worker>(options, [this, index, started](ring::Worker&) {
                parts_[index]->run(address_, *started);
            });
        parts_.push_back(std::make_unique<MockPart>(shared_, *worker, ticket_keys_));
        workers_.push_back(std::move(worker));
        std::string explanation;
        if (!workers_[index]->start(explanation)) {
            parts_.pop_back(); // it has no loop that could be told to end
            workers_.pop_back();
            return explanation;
        }
        return outcome.get();
    }

    MockShared shared_;
    net::TlsTicketKeys ticket_keys_ = net::TlsTicketKeys::random();
    net::Address address_;
    std::vector<std::unique_ptr<ring::Worker>> workers_;
    std::vector<std::unique_ptr<MockPart>> parts_;
};

} // namespace

std::expected<std::unique_ptr<MockServer>, std::string> MockServer::start(MockConfig config) {
    auto mock = std::make_unique<RunningMock>(std::move(config));
    if (std::string problem = mock->begin(); !problem.empty()) {
        return std::unexpected(std::move(problem));
    }
    return mock;
}

} // namespace ringway::tools
