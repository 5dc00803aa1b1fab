#include "observe/catalogue.h"

#include <dirent.h>

#include <cstdio>
#include <span>
#include <vector>

namespace ringway::observe {
namespace {

enum class Kind { counter, gauge };

/// One metric that is a field of WorkerCounters, per worker.
struct WorkerRow {
    const char* name;
    Kind kind;
    Counter WorkerCounters::* field;
    const char* help;
};

constexpr WorkerRow worker_rows[] = {
    {"ringway_client_connections_total", Kind::counter, &WorkerCounters::connections_accepted,
     "Connections accepted from clients."},
    {"ringway_client_connections_handed_over_total", Kind::counter,
     &WorkerCounters::connections_handed_over,
     "Accepted connections that were handed to a worker with less to do."},
    {"ringway_client_connections", Kind::gauge, &WorkerCounters::connections_open,
     "Client connections open now."},
    {"ringway_client_connections_idle", Kind::gauge, &WorkerCounters::connections_idle,
     "Client connections kept open for their next request."},
    {"ringway_inflight_requests", Kind::gauge, &WorkerCounters::exchanges_running,
     "Requests being served now."},
    {"ringway_streams", Kind::gauge, &WorkerCounters::streams_running,
     "Streams being relayed now."},
    {"ringway_relayed_reads_total", Kind::counter, &WorkerCounters::chunks_relayed,
     "Reads from upstreams that were forwarded."},
    {"ringway_relayed_bytes_total", Kind::counter, &WorkerCounters::bytes_relayed,
     "Bytes of answers that were forwarded."},
    {"ringway_slow_client_pauses_total", Kind::counter, &WorkerCounters::slow_clients,
     "Times an upstream was paused because its client was slow."},
    {"ringway_upstream_connections", Kind::gauge, &WorkerCounters::upstream_open,
     "Upstream connections open now, idle ones included."},
    {"ringway_upstream_connections_idle", Kind::gauge, &WorkerCounters::upstream_idle,
     "Upstream connections kept for the next request."},
    {"ringway_upstream_connections_opened_total", Kind::counter, &WorkerCounters::upstream_opened,
     "Upstream connections opened."},
    {"ringway_upstream_connections_reused_total", Kind::counter, &WorkerCounters::upstream_reused,
     "Requests sent over an upstream connection that had served before."},
    {"ringway_upstream_tls_handshakes_total", Kind::counter, &WorkerCounters::tls_handshakes,
     "TLS handshakes with upstreams."},
    {"ringway_upstream_tls_resumed_total", Kind::counter, &WorkerCounters::tls_resumed,
     "TLS handshakes with upstreams that resumed a session."},
    {"ringway_block_bytes_in_use", Kind::gauge, &WorkerCounters::block_bytes_in_use,
     "Receive buffers, heads and bodies in use."},
    {"ringway_block_bytes_held", Kind::gauge, &WorkerCounters::block_bytes_held,
     "Receive buffers, heads and bodies held, free ones included."},
    {"ringway_pooled_bytes_in_use", Kind::gauge, &WorkerCounters::pooled_bytes_in_use,
     "Connections, coroutine frames and queue nodes in use."},
    {"ringway_tasks", Kind::gauge, &WorkerCounters::tasks_running,
     "Connections being served by a task now."},
    {"ringway_timers", Kind::gauge, &WorkerCounters::timers_armed, "Timers armed now."},
    {"ringway_loop_turns_total", Kind::counter, &WorkerCounters::turns, "Turns of the event loop."},
    {"ringway_loop_wakeups_total", Kind::counter, &WorkerCounters::wakeups,
     "Coroutines resumed by the event loop."},
    {"ringway_uring_enters_total", Kind::counter, &WorkerCounters::uring_enters,
     "io_uring_enter system calls."},
    {"ringway_uring_operations_total", Kind::counter, &WorkerCounters::uring_operations,
     "io_uring operations submitted."},
    {"ringway_uring_cq_overflows_total", Kind::counter, &WorkerCounters::uring_overflows,
     "Times completions found their queue full."},
    {"ringway_receive_buffer_shortages_total", Kind::counter, &WorkerCounters::buffer_shortages,
     "Receives that found no buffer and were started anew."},
    {"ringway_zero_copy_sends_total", Kind::counter, &WorkerCounters::zero_copy_tried,
     "Large sends to upstreams that lent their memory to the kernel."},
    {"ringway_zero_copy_copied_total", Kind::counter, &WorkerCounters::zero_copy_copied,
     "Of these: those that the kernel refused, or copied all the same."},
};

/// One metric that is a field of ProviderCounters, summed over workers.
struct ProviderRow {
    const char* name;
    const char* labels;
    Counter ProviderCounters::* field;
    const char* help;
};

constexpr ProviderRow provider_rows[] = {
    {"ringway_upstream_attempts_total", ",outcome=\"ok\"", &ProviderCounters::attempts_ok,
     "Attempts at a provider, by outcome."},
    {"ringway_upstream_attempts_total", ",outcome=\"error_answer\"",
     &ProviderCounters::attempts_refused, nullptr},
    {"ringway_upstream_attempts_total", ",outcome=\"no_answer\"",
     &ProviderCounters::attempts_failed, nullptr},
    {"ringway_upstream_dead_connections_total", "", &ProviderCounters::retries,
     "Requests sent again because a reused connection was dead."},
    {"ringway_tokens_total", ",type=\"input\"", &ProviderCounters::input_tokens,
     "Tokens that providers reported."},
    {"ringway_tokens_total", ",type=\"cached_input\"", &ProviderCounters::cached_tokens, nullptr},
    {"ringway_tokens_total", ",type=\"output\"", &ProviderCounters::output_tokens, nullptr},
    {"ringway_usage_unknown_total", "", &ProviderCounters::usage_unknown,
     "Answered requests whose usage no one reported."},
    {"ringway_cut_streams_total", "", &ProviderCounters::cut_streams,
     "Answers that their upstream broke off."},
    {"ringway_cancelled_total", "", &ProviderCounters::cancelled,
     "Requests whose client left before the answer's end."},
};

/// One duration, per worker.
struct HistogramRow {
    const char* name;
    Histogram WorkerCounters::* field;
    const char* help;
    std::span<const double> bounds;
};

constexpr double overhead_bounds[] = {5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4,
                                      5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2};
constexpr double first_bounds[] = {1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2,
                                   0.5,  1,    2,    5,    10,   20,   60};

constexpr HistogramRow histogram_rows[] = {
    {"ringway_overhead_seconds", &WorkerCounters::overhead,
     "What ringway itself added to requests before their answer's head.", overhead_bounds},
    {"ringway_upstream_first_byte_seconds", &WorkerCounters::upstream_first,
     "From a request sent to an upstream to its answer's head.", first_bounds},
};

void head(std::string& out, const char* name, const char* type, const char* help) {
    out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

/// Source: Prometheus, "Text-based format": backslash, double quote and line feed are escaped.
std::string label_value(Bytes text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\' || c == '"') escaped += '\\';
        if (c == '\n') {
            escaped += "\\n";
        } else {
            escaped += c;
        }
    }
    return escaped;
}

std::string worker_label(unsigned worker) { return "worker=\"" + std::to_string(worker) + "\""; }

void render_workers(std::string& out, Counters& counters) {
    for (const WorkerRow& row : worker_rows) {
        head(out, row.name, row.kind == Kind::counter ? "counter" : "gauge", row.help);
        for (unsigned worker = 0; worker < counters.workers(); ++worker) {
            out += std::string(row.name) + "{" + worker_label(worker) + "} " +
                   std::to_string((counters.worker(worker).*row.field).value()) + "\n";
        }
    }
}

void render_answers(std::string& out, Counters& counters) {
    head(out, "ringway_requests_total", "counter", "Requests ended, by the status they got.");
    for (size_t status = 0; status < WorkerCounters::statuses; ++status) {
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < counters.workers(); ++worker) {
            sum += counters.worker(worker).answers[status].value();
        }
        if (sum == 0) continue;
        out += "ringway_requests_total{code=\"" + std::to_string(status) + "\"} " +
               std::to_string(sum) + "\n";
    }
}

void render_providers(std::string& out, Counters& counters) {
    for (const ProviderRow& row : provider_rows) {
        if (row.help != nullptr) head(out, row.name, "counter", row.help);
        std::vector<std::pair<std::string, uint64_t>> sums;
        counters.for_each_provider([&](const ProviderCounters& provider) {
            const uint64_t value = (provider.*row.field).value();
            for (auto& [name, sum] : sums) {
                if (name == provider.provider) {
                    sum += value;
                    return;
                }
            }
            sums.emplace_back(provider.provider, value);
        });
        for (const auto& [name, sum] : sums) {
            out += std::string(row.name) + "{provider=\"" + label_value(name) + "\"" + row.labels +
                   "} " + std::to_string(sum) + "\n";
        }
    }
}

void render_histograms(std::string& out, Counters& counters) {
    for (const HistogramRow& row : histogram_rows) {
        head(out, row.name, "histogram", row.help);
        uint64_t below = 0;
        uint64_t sum_ns = 0;
        unsigned bucket = 0;
        const auto count_of = [&](unsigned index) {
            uint64_t count = 0;
            for (unsigned worker = 0; worker < counters.workers(); ++worker) {
                count += (counters.worker(worker).*row.field).count_at(index);
            }
            return count;
        };
        const std::string name = row.name;
        for (const double bound : row.bounds) {
            for (; bucket < Histogram::buckets &&
                   static_cast<double>(Histogram::upper_ns(bucket)) <= bound * 1e9;
                 ++bucket) {
                below += count_of(bucket);
            }
            char text[32];
            std::snprintf(text, sizeof text, "%g", bound);
            out += name + "_bucket{le=\"" + text + "\"} " + std::to_string(below) + "\n";
        }
        for (; bucket < Histogram::buckets; ++bucket) below += count_of(bucket);
        for (unsigned worker = 0; worker < counters.workers(); ++worker) {
            sum_ns += (counters.worker(worker).*row.field).sum_ns();
        }
        out += name + "_bucket{le=\"+Inf\"} " + std::to_string(below) + "\n";
        out += name + "_sum " + std::to_string(static_cast<double>(sum_ns) / 1e9) + "\n";
        out += name + "_count " + std::to_string(below) + "\n";
    }
}

uint64_t open_descriptors() {
    uint64_t count = 0;
    if (DIR* directory = opendir("/proc/self/fd")) {
        while (readdir(directory) != nullptr) ++count;
        closedir(directory);
        count -= 3; // ".", ".." and the directory itself
    }
    return count;
}

} // namespace

std::string render_metrics(Counters& counters, const BuildInfo& build) {
    std::string out;
    head(out, "ringway_build_info", "gauge", "The version that runs.");
    out += "ringway_build_info{version=\"" + label_value(build.version) + "\",compiler=\"" +
           label_value(build.compiler) + "\"} 1\n";
    head(out, "process_open_fds", "gauge", "Descriptors open now.");
    out += "process_open_fds " + std::to_string(open_descriptors()) + "\n";
    render_answers(out, counters);
    render_workers(out, counters);
    render_providers(out, counters);
    render_histograms(out, counters);
    return out;
}

} // namespace ringway::observe
