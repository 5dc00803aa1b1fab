#include "ringway/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "admin/admin.h"
#include "gateway/placement.h"
#include "gateway/serve.h"
#include "net/listener.h"
#include "net/owned_socket.h"
#include "net/tls.h"
#include "observe/log.h"
#include "ring/worker.h"
#include "ringway/version.h"

namespace ringway {
namespace {

/// Spare descriptors would otherwise run out at 1024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/// A socket that keeps an address for the workers' own listeners, which share it. It is bound, but
/// does not listen, so no connection comes to it.
class Reservation {
public:
    /// The error is a sentence.
    static std::expected<Reservation, std::string> make(const std::string& text) {
        auto address = net::parse_address(text);
        if (!address) return std::unexpected(text + ": " + address.error());
        Reservation made;
        made.address_ = *address;
        if (address->is_unix()) return made;
        // Another process that shares its port would get half of the connections: ask first for the
        // port alone.
        if (const int error = made.bind_alone(); error != 0) {
            return std::unexpected("cannot listen on " + text + ": " + std::strerror(error));
        }
        ::close(std::exchange(made.socket_, -1));
        if (const int error = made.bind_once(true); error != 0) {
            return std::unexpected("cannot listen on " + text + ": " + std::strerror(error));
        }
        return made;
    }
    Reservation(Reservation&& other) noexcept
        : address_(other.address_), socket_(std::exchange(other.socket_, -1)) {}
    Reservation& operator=(Reservation other) noexcept {
        std::swap(address_, other.address_);
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~Reservation() {
        if (socket_ >= 0) ::close(socket_);
    }
    const net::Address& address() const { return address_; }

private:
    Reservation() = default;
    /// A process that was killed is gone before its rings are: for some tens of milliseconds the
    /// kernel still holds the sockets on which they accepted.
    int bind_alone() {
        constexpr int tries_max = 100;
        int error = bind_once(false);
        for (int tries = 1; error == EADDRINUSE && tries < tries_max; ++tries) {
            std::this_thread::sleep_for(20ms);
            error = bind_once(false);
        }
        return error;
    }
    int bind_once(bool shares) {
        const int on = 1;
        if (socket_ >= 0) ::close(socket_);
        socket_ = ::socket(address_.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (socket_ < 0) return errno;
        setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (shares) setsockopt(socket_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        if (bind(socket_, address_.get(), address_.length()) != 0) return errno;
        sockaddr_storage bound{};
        socklen_t length = sizeof bound;
        getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &length);
        address_ = net::Address(reinterpret_cast<sockaddr*>(&bound), length);
        return 0;
    }

    net::Address address_;
    int socket_ = -1;
};

/// Where workers run: as many as asked for, each pinned while there is a processor for each.
struct Seating {
    unsigned workers = 1;
    std::vector<int> cpus; ///< one for each worker; empty: not pinned
};

std::expected<Seating, std::string> seat(const Config& config) {
    std::vector<int> cpus = ring::allowed_cpus();
    if (!config.cpuset.empty()) {
        const auto wanted = ring::parse_cpu_list(config.cpuset);
        if (!wanted) return std::unexpected("cpuset: " + std::string(wanted.error().what));
        for (const int cpu : *wanted) {
            if (std::find(cpus.begin(), cpus.end(), cpu) == cpus.end()) {
                return std::unexpected("cpuset: this process may not use processor " +
                                       std::to_string(cpu));
            }
        }
        cpus = *wanted;
    }
    Seating seating;
    seating.workers = config.workers.value_or(static_cast<unsigned>(cpus.size()));
    if (seating.workers <= cpus.size()) {
        cpus.resize(seating.workers);
        seating.cpus = cpus;
    }
    return seating;
}

class RunningServer;

/// One worker of the server: its state, listeners and, on the first one, the admin listener.
class ServerWorker {
public:
    ServerWorker(RunningServer& server, ring::Worker& worker);

    /// Runs on the worker's thread until it was told to drain or stop and all has ended.
    void run(std::promise<std::string>& started);
    // From any thread ---------------------------------------------------------------------------
    void replace_snapshot(std::shared_ptr<const gateway::Snapshot> snapshot);
    void drain();
    void stop();
    void sample(std::function<void()> then);
    /// Another worker has accepted `socket` on its listener of this number, and read nothing of it.
    void take_over(net::OwnedSocket socket, size_t listener);

private:
    std::string listen();
    std::string listen_admin();
    std::string set_up_tls(const Config& config);
    void on_accept(int socket, size_t listener);
    void serve(int socket, size_t listener);
    ring::Task<void> live();
    void sample_now();
    static void on_drain_time(void* self);

    RunningServer& server_;
    ring::Worker& worker_;
    std::optional<gateway::WorkerState> state_;
    std::vector<std::unique_ptr<net::TlsServer>> tls_; ///< one for each listener; null: no TLS
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::unique_ptr<net::Listener> admin_listener_;
    std::optional<admin::AdminContext> admin_;
    std::optional<ring::Signal> order_;
    bool is_told_to_drain_ = false;
    bool is_told_to_stop_ = false;
};

class RunningServer final : public Server {
public:
    static std::expected<std::unique_ptr<RunningServer>, std::string> make(Config config);
    ~RunningServer() override {
        stop();
        wait();
    }

    std::vector<std::string> addresses() const override;
    std::string admin_address() const override {
        return admin_ ? admin_->address().to_string() : "";
    }
    std::expected<void, std::string> reload(Config config) override;
    void drain() override;
    void stop() override;
    void wait() override;

    std::shared_ptr<const gateway::Snapshot> first() const { return first_snapshot_; }
    const std::vector<Reservation>& reservations() const { return reservations_; }
    const std::optional<Reservation>& admin() const { return admin_; }
    net::NameService& names() { return names_; }
    observe::Counters& counters() { return *counters_; }
    observe::Log& log() { return log_; }
    /// Waits until every worker has a loop, for they write to each other; false: one could not
    /// start.
    bool have_all_loops() const { return have_all_loops_.get(); }
    const net::TlsTicketKeys& ticket_keys() const { return ticket_keys_; }
    bool is_ready() const { return is_ready_.load(std::memory_order_relaxed); }
    std::vector<std::unique_ptr<ServerWorker>>& parts() { return parts_; }
    gateway::Placement& placement() { return *placement_; }

private:
    explicit RunningServer(observe::LogLevel level) : log_(level) {}
    std::string start_workers(const Seating& seating);

    observe::Log log_;
    net::ResolverThread names_;
    net::TlsTicketKeys ticket_keys_ = net::TlsTicketKeys::random();
    std::unique_ptr<observe::Counters> counters_;
    std::unique_ptr<gateway::Placement> placement_;
    std::shared_ptr<const gateway::Snapshot> first_snapshot_;
    std::vector<Reservation> reservations_;
    std::optional<Reservation> admin_;
    std::vector<std::unique_ptr<ring::Worker>> workers_;
    std::vector<std::unique_ptr<ServerWorker>> parts_;
    std::promise<bool> all_loops_;
    const std::shared_future<bool> have_all_loops_ = all_loops_.get_future().share();
    unsigned started_ = 0; ///< workers whose thread runs; the others have no loop
    std::mutex mutex_;     ///< guards what follows
    Config config_;
    uint64_t generation_ = 1;
    std::atomic<bool> is_ready_ = true;
};

// One worker -----------------------------------------------------------------------------------

ServerWorker::ServerWorker(RunningServer& server, ring::Worker& worker)
    : server_(server), worker_(worker) {}

void ServerWorker::run(std::promise<std::string>& started) {
    if (!server_.have_all_loops()) return started.set_value("");
    ring::Loop& loop = worker_.loop();
    state_.emplace(loop, worker_.index(), server_.names(), server_.counters(), server_.log(),
                   server_.first());
    order_.emplace(loop);
    std::string problem = set_up_tls(server_.first()->config());
    if (problem.empty()) problem = listen();
    if (problem.empty() && worker_.index() == 0) problem = listen_admin();
    if (problem.empty()) {
        server_.placement().open(worker_.index());
    } else {
        is_told_to_stop_ = true;
    }
    ring::Scope scope;
    scope.spawn(live());
    started.set_value(problem);
    loop.run();
    RINGWAY_ASSERT(scope.running() == 0);
    admin_.reset();
    listeners_.clear();
    admin_listener_.reset();
    tls_.clear();
    order_.reset();
    state_.reset();
}

/// Makes the TLS contexts anew; connections that are open keep theirs.
std::string ServerWorker::set_up_tls(const Config& config) {
    std::vector<std::unique_ptr<net::TlsServer>> made;
    for (const ListenConfig& wanted : config.listen) {
        made.emplace_back();
        if (wanted.tls_certificate.empty()) continue;
        auto tls = net::TlsServer::make({wanted.tls_certificate, wanted.tls_key.reveal()},
                                        server_.ticket_keys());
        if (!tls) return wanted.address + ": " + tls.error();
        made.back() = std::move(*tls);
    }
    tls_ = std::move(made);
    return "";
}

std::string ServerWorker::listen() {
    for (size_t i = 0; i < server_.reservations().size(); ++i) {
        const net::Address& address = server_.reservations()[i].address();
        if (address.is_unix() && worker_.index() != 0) continue; // a path has one listener
        auto listener = net::Listener::open(worker_.loop(), address,
                                            [this, i](int socket) { on_accept(socket, i); });
        if (!listener) {
            return "cannot listen on " + address.to_string() + ": " +
                   std::strerror(listener.error().sys_errno);
        }
        listeners_.push_back(std::move(*listener));
    }
    return "";
}

std::string ServerWorker::listen_admin() {
    if (!server_.admin()) return "";
    admin_.emplace(
        worker_.loop(), server_.counters(), observe::BuildInfo{std::string(version), __VERSION__},
        http::ServerLimits{},
        [this](const std::function<void()>& done) {
            ring::Mailbox& home = worker_.loop().mailbox();
            for (auto& part : server_.parts()) {
                part->sample([&home, done] { home.post(done); });
            }
        },
        [this] { return server_.is_ready(); });
    auto listener = net::Listener::open(worker_.loop(), server_.admin()->address(), [this](int s) {
        admin_->scope.spawn(admin::serve_admin_connection(*admin_, s));
    });
    if (!listener) {
        return "cannot listen on " + server_.admin()->address().to_string() + ": " +
               std::strerror(listener.error().sys_errno);
    }
    admin_listener_ = std::move(*listener);
    return "";
}

void ServerWorker::on_accept(int socket, size_t listener) {
    state_->counters().connections_accepted.add();
    gateway::Placement& placement = server_.placement();
    const unsigned chosen = placement.choose(worker_.index());
    if (chosen == worker_.index()) return serve(socket, listener);
    state_->counters().connections_handed_over.add();
    placement.send(chosen);
    server_.parts()[chosen]->take_over(net::OwnedSocket(socket), listener);
}

void ServerWorker::take_over(net::OwnedSocket socket, size_t listener) {
    worker_.loop().mailbox().post([this, socket = std::move(socket), listener]() mutable {
        if (!state_->is_draining()) serve(socket.release(), listener); // else it is closed
        server_.placement().arrive(worker_.index());
    });
}

void ServerWorker::serve(int socket, size_t listener) {
    net::TlsServer* const tls = tls_[listener].get();
    state_->scope().spawn(gateway::serve_connection(
        *state_, socket, tls != nullptr ? tls->accept(worker_.loop()) : nullptr));
}

void ServerWorker::on_drain_time(void* self) {
    static_cast<ServerWorker*>(self)->state_->abandon();
}

/// From the first connection to the last: listens until told otherwise, then lets what runs end.
ring::Task<void> ServerWorker::live() {
    ring::Loop& loop = worker_.loop();
    while (!is_told_to_drain_ && !is_told_to_stop_) co_await order_->wait();
    const Duration delay_time = state_->newest().config().drain_delay;
    if (!is_told_to_stop_ && delay_time > Duration::zero()) {
        state_->announce_drain();
        ring::Pause delay(loop, delay_time); // load balancers notice /readyz
        co_await delay;
    }
    server_.placement().close(worker_.index());
    ring::Signal stopped(loop);
    for (const auto& listener : listeners_) {
        listener->stop(stopped);
        while (!listener->is_stopped()) co_await stopped.wait();
    }
    ring::Timer drain_timer(&ServerWorker::on_drain_time, this);
    loop.timers().arm(drain_timer, loop.now() + state_->newest().config().drain_time);
    state_->drain();
    if (is_told_to_stop_) state_->abandon();
    co_await state_->scope().drained();
    if (admin_listener_ != nullptr) {
        admin_listener_->stop(stopped);
        while (!admin_listener_->is_stopped()) co_await stopped.wait();
        admin_->stop();
        co_await admin_->scope.drained();
    }
    co_await state_->close_pools();
    loop.stop();
}

void ServerWorker::drain() {
    worker_.loop().mailbox().post([this] {
        is_told_to_drain_ = true;
        order_->raise();
    });
}

void ServerWorker::stop() {
    worker_.loop().mailbox().post([this] {
        is_told_to_stop_ = true;
        if (state_->is_draining()) state_->abandon();
        order_->raise();
    });
}

void ServerWorker::replace_snapshot(std::shared_ptr<const gateway::Snapshot> snapshot) {
    worker_.loop().mailbox().post([this, snapshot = std::move(snapshot)] {
        set_up_tls(snapshot->config()); // the certificates were checked before
        state_->replace_snapshot(snapshot);
    });
}

void ServerWorker::sample(std::function<void()> then) {
    worker_.loop().mailbox().post([this, then = std::move(then)] {
        sample_now();
        then();
    });
}

void ServerWorker::sample_now() {
    state_->sample();
    const ring::UringBackendCounters uring = worker_.backend().counters();
    observe::WorkerCounters& counters = state_->counters();
    counters.uring_enters.set(uring.enters);
    counters.uring_operations.set(uring.operations);
    counters.uring_overflows.set(uring.completion_overflows);
    counters.buffer_shortages.set(uring.buffer_shortages);
    counters.zero_copy_tried.set(worker_.loop().zero_copy().tried());
    counters.zero_copy_copied.set(worker_.loop().zero_copy().copied());
}

// The server -----------------------------------------------------------------------------------

std::expected<std::unique_ptr<RunningServer>, std::string> RunningServer::make(Config config) {
    raise_descriptor_limit();
    std::unique_ptr<RunningServer> server(new RunningServer(
        observe::parse_log_level(config.log_level).value_or(observe::LogLevel::info)));
    auto seating = seat(config);
    if (!seating) return std::unexpected(seating.error());
    auto snapshot = gateway::Snapshot::make(config, 1);
    if (!snapshot) return std::unexpected(snapshot.error());
    server->first_snapshot_ = std::move(*snapshot);
    for (const ListenConfig& listen : config.listen) {
        auto reserved = Reservation::make(listen.address);
        if (!reserved) return std::unexpected(reserved.error());
        server->reservations_.push_back(std::move(*reserved));
    }
    if (!config.admin_listen.empty()) {
        auto reserved = Reservation::make(config.admin_listen);
        if (!reserved) return std::unexpected("admin: " + reserved.error());
        server->admin_ = std::move(*reserved);
    }
    server->counters_ = std::make_unique<observe::Counters>(seating->workers);
    server->placement_ = std::make_unique<gateway::Placement>(*server->counters_);
    server->config_ = std::move(config);
    if (std::string problem = server->start_workers(*seating); !problem.empty()) {
        return std::unexpected(std::move(problem));
    }
    return server;
}

std::string RunningServer::start_workers(const Seating& seating) {
    std::string problem;
    std::vector<std::future<std::string>> outcomes;
    for (unsigned i = 0; i < seating.workers; ++i) {
        ring::WorkerOptions options;
        options.index = i;
        options.cpu = seating.cpus.empty() ? -1 : seating.cpus[i];
        options.block_bytes_max = config_.receive_memory_bytes;
        auto started = std::make_shared<std::promise<std::string>>();
        outcomes.push_back(started->get_future());
        workers_.push_back(std::make_unique<ring::Worker>(
            options, [this, i, started](ring::Worker&) { parts_[i]->run(*started); }));
        parts_.push_back(std::make_unique<ServerWorker>(*this, *workers_[i]));
    }
    for (unsigned i = 0; i < seating.workers && problem.empty(); ++i) {
        std::string explanation;
        if (workers_[i]->start(explanation)) {
            ++started_;
        } else {
            problem = explanation;
        }
    }
    all_loops_.set_value(problem.empty());
    // Whether each can listen, and serve TLS.
    for (unsigned i = 0; i < started_; ++i) {
        if (std::string told = outcomes[i].get(); problem.empty()) problem = std::move(told);
    }
    return problem;
}

std::vector<std::string> RunningServer::addresses() const {
    std::vector<std::string> texts;
    for (const Reservation& reservation : reservations_) {
        texts.push_back(reservation.address().to_string());
    }
    return texts;
}

std::expected<void, std::string> RunningServer::reload(Config config) {
    const std::lock_guard lock(mutex_);
    const auto differs = [&](const char* key) {
        return std::unexpected(std::string("a change of \"") + key + "\" needs a restart");
    };
    if (config.listen.size() != config_.listen.size()) return differs("listen");
    for (size_t i = 0; i < config.listen.size(); ++i) {
        const bool had_tls = !config_.listen[i].tls_certificate.empty();
        if (config.listen[i].address != config_.listen[i].address ||
            config.listen[i].tls_certificate.empty() == had_tls) {
            return differs("listen");
        }
        if (!had_tls) continue;
        auto tls = net::TlsServer::make(
            {config.listen[i].tls_certificate, config.listen[i].tls_key.reveal()}, ticket_keys_);
        if (!tls) return std::unexpected(config.listen[i].address + ": " + tls.error());
    }
    if (config.admin_listen != config_.admin_listen) return differs("admin");
    if (config.workers != config_.workers) return differs("runtime.workers");
    if (config.cpuset != config_.cpuset) return differs("runtime.cpuset");
    auto snapshot = gateway::Snapshot::make(config, ++generation_);
    if (!snapshot) return std::unexpected(snapshot.error());
    config_ = std::move(config);
    log_.set_level(observe::parse_log_level(config_.log_level).value_or(observe::LogLevel::info));
    for (const auto& part : parts_) part->replace_snapshot(*snapshot);
    return {};
}

void RunningServer::drain() {
    is_ready_.store(false, std::memory_order_relaxed);
    for (unsigned i = 0; i < started_; ++i) parts_[i]->drain();
}

void RunningServer::stop() {
    is_ready_.store(false, std::memory_order_relaxed);
    for (unsigned i = 0; i < started_; ++i) parts_[i]->stop();
}

void RunningServer::wait() {
    for (const auto& worker : workers_) worker->join();
}

} // namespace

std::expected<std::unique_ptr<Server>, std::string> Server::start(Config config) {
    auto server = RunningServer::make(std::move(config));
    if (!server) return std::unexpected(server.error());
    return std::move(*server);
}

} // namespace ringway
