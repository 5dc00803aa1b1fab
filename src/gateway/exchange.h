#pragma once

#include <array>
#include <memory>
#include <string>

#include "auth/keyring.h"
#include "base/fixed_text.h"
#include "gateway/worker_state.h"
#include "http/client_connection.h"
#include "http/splice.h"
#include "llm/answer_watch.h"
#include "llm/request_scan.h"
#include "route/model_table.h"

namespace ringway::gateway {

/// What an error answer says beyond the error itself.
struct ErrorDetail : ring::Pooled {
    std::string message; ///< empty: the error's own words
    std::string param;
    std::string code; ///< empty: what the error's kind stands for
};

/// What is needed of a request, and of its attempts, until an answer begins: then none can be
/// repeated, and it is let go. Views point into the client's head and the upstream's, which are
/// kept as long.
struct RequestState : ring::Pooled {
    static constexpr size_t forwarded_max = 16;
    static constexpr size_t edits_max = 3;

    wire::RequestLine line;
    llm::Call call; ///< `tail` is empty: no such call
    Bytes path;
    Bytes query; ///< with its question mark
    Bytes content_type;
    Bytes provider_header;                                        ///< x-ringway-provider
    std::array<std::pair<Bytes, Bytes>, forwarded_max> forwarded; ///< fields for the upstream
    size_t forwarded_count = 0;

    ring::SliceQueue body;
    llm::RequestScan scan;
    std::array<http::Edit, edits_max> edits;
    size_t edit_count = 0;

    route::Target single; ///< room for a target that is no alias
    std::span<const route::Target> targets;
    bool is_streamed_through = false; ///< the body is not kept: one attempt only
    bool drops_usage = false;         ///< ringway asked for the usage chunk, the client did not
    std::unique_ptr<ErrorDetail> error_detail;

    route::Target target; ///< tried last
    wire::StatusLine answer;
    TimePoint forwarded_at; ///< the request went out to the upstream that answered
    TimePoint answered_at;  ///< its head was there
    Duration waited{};      ///< for upstreams: to connect, and to answer

    std::span<const http::Edit> edit_list() const { return {edits.data(), edit_count}; }
    std::span<const std::pair<Bytes, Bytes>> forwarded_list() const {
        return {forwarded.data(), forwarded_count};
    }
};

/// The name of an exchange: ringway's own or, if it is as long as a UUID at most, the client's, in
/// place; a longer one stands apart.
class RequestId {
public:
    static constexpr size_t bytes_max = 128;

    void assign(Bytes text) {
        if (text.size() <= short_bytes_max) {
            short_.assign(text);
        } else {
            long_ = std::make_unique<Long>();
            long_->text.assign(text);
        }
    }
    Bytes view() const { return long_ != nullptr ? long_->text.view() : short_.view(); }

private:
    static constexpr size_t short_bytes_max = 38;
    struct Long : ring::Pooled {
        base::FixedText<bytes_max> text;
    };
    base::FixedText<short_bytes_max> short_;
    std::unique_ptr<Long> long_;
};

/// One client request from its first byte to its last, with everything that belongs to it. Lives in
/// the frame of process_request(), which ends it once, in finish(). What it holds is held as long
/// as the answer takes; the rest is in its RequestState.
struct Exchange {
    Exchange(WorkerState& at_worker, http::ServerConnection& of_client)
        : worker(at_worker), client(of_client), pinned(at_worker.pin()),
          began(at_worker.loop().now()) {
        make_request_id();
    }
    ~Exchange() { worker.unpin(pinned); }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    const Snapshot& snapshot() const { return *pinned.snapshot; }
    const Provider& provider() const { return snapshot().provider(provider_index); }
    observe::ProviderCounters& provider_counters() { return *pinned.counters[provider_index]; }
    http::Pool& pool() { return *pinned.pools[provider_index]; }
    ring::Loop& loop() { return worker.loop(); }
    const Dialect& dialect() const { return entry->dialect; }
    void set_call(const llm::Call& call) {
        request->call = call;
        entry = call.entry;
    }
    void set_target(const route::Target& target) {
        request->target = target;
        provider_index = static_cast<uint32_t>(target.provider);
    }
    /// Errors: {cancelled}: the client is gone; {draining}: the server ends.
    Status check_goes_on() {
        if (client.is_client_gone()) return gateway_error(Code::cancelled, "the client left");
        if (worker.is_abandoning()) {
            return gateway_error(Code::draining, "The server is shutting down.");
        }
        return {};
    }
    /// Sets what the client is told of an error.
    ErrorDetail& detail();
    void make_request_id();

    WorkerState& worker;
    http::ServerConnection& client;
    PinnedSnapshot& pinned;
    /// Null once an upstream's answer has begun.
    std::unique_ptr<RequestState> request = std::make_unique<RequestState>();

    const llm::DialectEntry* entry = &llm::fallback_dialect(); ///< of the call
    const auth::Caller* caller = nullptr;
    RequestId request_id;

    http::ClientConnectionPtr upstream;
    AnswerFacts facts;

    TimePoint began;             ///< the request's head was there
    uint32_t provider_index = 0; ///< of the target tried last
    uint16_t attempts = 0;
    uint16_t status = 0;     ///< sent to the client; 0: nothing was
    bool keeps_alive = true; ///< the client's connection, as the request said
    bool has_begun_answer = false;
    bool is_event_stream = false; ///< what was begun
    bool was_paused = false;      ///< the upstream, for a slow client
    bool is_answer_whole = false; ///< all of it was written
    bool must_close = false;      ///< the connection's framing cannot go on
};

} // namespace ringway::gateway
