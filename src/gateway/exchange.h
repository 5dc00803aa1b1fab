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

/// What is needed of a request until its answer begins: then no attempt can be repeated, and it is
/// let go. Views point into the client's head, which is kept as long.
struct RequestState : ring::Pooled {
    static constexpr size_t forwarded_max = 16;
    static constexpr size_t edits_max = 3;

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

/// What an error answer says beyond the error itself.
struct ErrorDetail : ring::Pooled {
    std::string message; ///< empty: the error's own words
    std::string param;
    std::string code; ///< empty: what the error's kind stands for
};

/// One client request from its first byte to its last, with everything that belongs to it. Lives in
/// the frame of process_request(), which ends it once, in finish().
struct Exchange {
    Exchange(WorkerState& at_worker, http::ServerConnection& of_client)
        : worker(at_worker), client(of_client), pinned(at_worker.pin()),
          began(at_worker.loop().now()) {
        call.entry = &llm::fallback_dialect();
        make_request_id();
    }
    ~Exchange() { worker.unpin(pinned); }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    const Snapshot& snapshot() const { return *pinned.snapshot; }
    const Provider& provider() const { return snapshot().provider(target.provider); }
    observe::ProviderCounters& provider_counters() { return *pinned.counters[target.provider]; }
    http::Pool& pool() { return *pinned.pools[target.provider]; }
    ring::Loop& loop() { return worker.loop(); }
    const Dialect& dialect() const { return call.entry->dialect; }
    /// Errors: {cancelled}: the client is gone; {draining}: the server ends.
    Status check_goes_on();
    /// Sets what the client is told of an error.
    ErrorDetail& detail();
    void make_request_id();

    WorkerState& worker;
    http::ServerConnection& client;
    PinnedSnapshot& pinned;
    std::unique_ptr<RequestState> request = std::make_unique<RequestState>();
    std::unique_ptr<ErrorDetail> error_detail;

    wire::RequestLine line;
    Bytes path;     ///< of the request; like `call` it dies with the client's head
    llm::Call call; ///< `tail` is empty: no such call
    const auth::Caller* caller = nullptr;
    RequestId request_id;

    route::Target target;
    http::ClientConnectionPtr upstream;
    wire::StatusLine answer;
    AnswerFacts facts;

    TimePoint began;        ///< the request's head was there
    TimePoint forwarded_at; ///< the request went out to the upstream that answered
    TimePoint answered_at;  ///< its head was there
    Duration waited{};      ///< for upstreams: to connect, and to answer
    unsigned attempts = 0;
    uint16_t status = 0;      ///< sent to the client; 0: nothing was
    bool is_stream = false;   ///< the client asked for one
    bool drops_usage = false; ///< ringway asked for the usage chunk, the client did not
    bool has_begun_answer = false;
    bool is_answer_whole = false; ///< all of it was written
    bool must_close = false;      ///< the connection's framing cannot go on
};

} // namespace ringway::gateway
