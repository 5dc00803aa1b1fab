#include <algorithm>
#include <optional>

#include "base/digest.h"
#include "base/text.h"
#include "tools/mock_errors.h"
#include "tools/mock_exchange.h"
#include "wire/json.h"
#include "wire/url.h"

namespace ringway::tools {
namespace {

/// What a request's head says to the mock. Views live as long as the head.
struct HeadFacts {
    Bytes path;
    Bytes query;
    Bytes options;
    Bytes fault;
    Bytes recording;
    Bytes content_type;
    bool is_for_anthropic = false; ///< decides where the path does not
};

HeadFacts read_head(const wire::RequestLine& line, const wire::Fields& fields) {
    HeadFacts facts;
    const wire::TargetParts target = wire::split_target(line.target);
    facts.path = target.path;
    facts.query = target.query;
    facts.content_type = fields.get(wire::FieldId::content_type);
    facts.is_for_anthropic = fields.has(wire::FieldId::anthropic_version);
    for (const wire::Field& field : fields.list()) {
        const auto is_named = [&](Bytes name) {
            return base::equals_ignoring_case(field.name, name);
        };
        if (is_named("x-mock-options")) facts.options = field.value;
        if (is_named("x-mock-fault")) facts.fault = field.value;
        if (is_named("x-mock-recording")) facts.recording = field.value;
    }
    return facts;
}

/// Receives one request and finds its answer.
class RequestServer {
public:
    RequestServer(MockWorker& worker, http::ServerConnection& client)
        : worker_(worker), client_(client), exchange_(worker, client) {}

    ring::Task<MockEnd> run() {
        const auto line =
            wire::parse_request_head(client_.head().bytes(), worker_.fields, worker_.limits.head);
        if (!line) {
            exchange_.line.keeps_alive = false;
            exchange_.answer_error(400, line.error().what);
            co_return MockEnd::linger;
        }
        exchange_.line = *line;
        head_ = read_head(*line, worker_.fields);
        exchange_.api = mock_api(line->method, head_.path);
        worker_.counters.requests.add();
        client_.begin_body(exchange_.line);
        client_.set_body_limit(worker_.limits.body_bytes_max);
        if (is_refused_early()) {
            exchange_.line.keeps_alive = false;
            exchange_.answer_error(413, mock_error_message(413));
            co_return MockEnd::linger;
        }
        client_.invite_body();
        const Status received = co_await receive_body();
        if (!received) co_return refuse_body(received.error());
        const MockEnd end = co_await answer();
        if (end == MockEnd::keep_open || end == MockEnd::close) {
            worker_.counters.answers_finished.add();
        }
        co_return end;
    }

private:
    bool is_refused_early() const {
        if (!head_.fault.empty()) return head_.fault == "early_413";
        const bool by_option = head_.options.find("fault=early_413") != Bytes::npos;
        const MockFault by_default = worker_.shared.config.defaults.fault();
        return by_option || (has_model(exchange_.api) && by_default == MockFault::early_413);
    }

    bool keeps_body() const {
        return worker_.shared.config.records || exchange_.api == MockApi::echo;
    }

    ring::Task<Status> receive_body() {
        if (has_model(exchange_.api)) scan_ = std::make_unique<MockRequestScan>();
        ring::SliceQueue pieces;
        for (;;) {
            RINGWAY_CO_TRY(const http::Progress progress, client_.poll_body(pieces));
            while (!pieces.empty()) take(pieces.pop_front());
            if (progress == http::Progress::done) break;
            if (worker_.is_stopping) co_return client_error(Code::closed, "the mock stops");
            co_await client_.signal().wait();
        }
        if (scan_ != nullptr && scanned_) scanned_ = scan_->finish();
        if (worker_.shared.config.records && exchange_.api != MockApi::requests &&
            exchange_.api != MockApi::stats) {
            worker_.shared.journal.add(client_.head().bytes(), body_);
        }
        co_return Status{};
    }

    void take(const ring::Slice& piece) {
        if (keeps_body()) body_ += piece.bytes();
        if (scan_ != nullptr && scanned_) scanned_ = scan_->feed(piece.bytes());
    }

    MockEnd refuse_body(const Error& error) {
        if (error.code == Code::closed) return MockEnd::drop;
        exchange_.line.keeps_alive = false;
        exchange_.answer_error(error.code == Code::too_large ? 413 : 400, error.what);
        return MockEnd::linger;
    }

    ring::Task<MockEnd> answer() {
        const bool is_replaying = !worker_.shared.recordings.empty() &&
                                  exchange_.api != MockApi::stats &&
                                  exchange_.api != MockApi::requests;
        if (is_replaying) co_return co_await replay();
        if (has_model(exchange_.api)) co_return co_await answer_provider();
        // What has no model takes faults by header or flag.
        if (exchange_.api == MockApi::echo || exchange_.api == MockApi::models) {
            co_return co_await answer_plain();
        }
        co_return answer_own();
    }

    ring::Task<MockEnd> replay() {
        MockOptions options = worker_.shared.config.defaults;
        if (const auto applied = options.apply_list(head_.options); !applied) {
            co_return exchange_.answer_error(400, applied.error());
        }
        const MockRecording* recording = worker_.shared.recordings.find(head_.recording);
        if (recording == nullptr) {
            co_return exchange_.answer_error(
                400, "There is no such recording: name one in x-mock-recording.");
        }
        co_return co_await answer_with_recording(exchange_, *recording, options);
    }

    ring::Task<MockEnd> answer_provider() {
        if (!scanned_) co_return exchange_.answer_error(400, scanned_.error().what);
        const bool is_chunked = exchange_.line.minor_version > 0;
        auto prepared =
            worker_.prepare(scan_->facts(), exchange_.api, head_.options, head_.fault, is_chunked);
        if (!prepared->problem.empty()) co_return exchange_.answer_error(400, prepared->problem);
        co_return co_await answer_as_provider(exchange_, std::move(prepared));
    }

    /// Models and echoes: bodies that never stream, with the faults of any answer.
    ring::Task<MockEnd> answer_plain() {
        MockPrepared prepared;
        prepared.question.api = exchange_.api;
        MockOptions& options = prepared.question.options;
        options = worker_.shared.config.defaults;
        auto applied = options.apply_list(head_.options);
        if (applied && !head_.fault.empty()) applied = options.apply("fault", head_.fault);
        if (!applied) co_return exchange_.answer_error(400, applied.error());
        const std::string body = exchange_.api == MockApi::echo ? echo() : models();
        if (exchange_.line.method == wire::Method::head) {
            co_return exchange_.answer(200, "application/json", body);
        }
        prepared.body = mock_slices(body, worker_.loop.blocks());
        prepared.body_bytes = body.size();
        co_return co_await answer_as_provider(
            exchange_, std::make_shared<const MockPrepared>(std::move(prepared)));
    }

    MockEnd answer_own() {
        switch (exchange_.api) {
        case MockApi::stats:
            return exchange_.answer(200, "application/json", worker_.shared.stats_json());
        case MockApi::welcome: return exchange_.answer(200, "text/plain", "ringway mock\n");
        case MockApi::requests: return answer_journal();
        default: return exchange_.answer_error(404, "The mock serves /v1/... and /mock/stats.");
        }
    }

    MockEnd answer_journal() {
        if (!worker_.shared.config.records) {
            return exchange_.answer_error(404, "The mock was started without record=1.");
        }
        if (exchange_.line.method == wire::Method::delete_) worker_.shared.journal.clear();
        return exchange_.answer(200, "application/json", worker_.shared.journal.to_json());
    }

    std::string models() const {
        constexpr Bytes prefix = "/v1/models/";
        const Bytes id =
            head_.path.starts_with(prefix) ? head_.path.substr(prefix.size()) : Bytes();
        return render_models(wire::percent_decode(id), head_.is_for_anthropic);
    }

    /// What arrived, so that tests can compare it with what was sent.
    std::string echo() {
        // Other heads were parsed since: once more.
        (void)wire::parse_request_head(client_.head().bytes(), worker_.fields, worker_.limits.head);
        std::string names;
        for (const wire::Field& field : worker_.fields.list()) {
            if (!names.empty()) names += ',';
            names += wire::json_string(field.name);
        }
        const base::Sha256 digest = base::sha256(body_);
        return "{\"mock\":\"echo\",\"method\":" +
               wire::json_string(wire::to_string(exchange_.line.method)) +
               ",\"path\":" + wire::json_string(head_.path) +
               ",\"query\":" + wire::json_string(head_.query) +
               ",\"content_type\":" + wire::json_string(head_.content_type) +
               ",\"body_bytes\":" + std::to_string(body_.size()) + ",\"body_sha256\":\"" +
               base::to_hex({digest.data(), digest.size()}) + "\",\"headers\":[" + names + "]}";
    }

    MockWorker& worker_;
    http::ServerConnection& client_;
    MockExchange exchange_;
    HeadFacts head_;
    std::unique_ptr<MockRequestScan> scan_; ///< of a body that names a model
    Status scanned_;
    std::string body_; ///< when it is kept
};

ring::Task<MockEnd> serve_request(MockWorker& worker, http::ServerConnection& client) {
    RequestServer server(worker, client);
    co_return co_await server.run();
}

/// Makes the close of the socket an RST: no operation may be under way, or it is shut down first.
ring::Task<void> prepare_reset(http::ServerConnection& client) {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    net::Stream& stream = client.stream();
    setsockopt(stream.socket(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    stream.pause_reading();
    while (!stream.is_reading_stopped() && !stream.is_broken() && !stream.has_ended()) {
        co_await client.signal().wait();
    }
}

} // namespace

std::shared_ptr<const MockPrepared> MockWorker::prepare(const MockFacts& facts, MockApi api,
                                                        Bytes options, Bytes fault,
                                                        bool is_chunked) {
    MockQuestion question{api, facts, shared.config.defaults};
    const auto flag = [](bool is_set) { return is_set ? '1' : '0'; };
    key_.clear();
    key_ += static_cast<char>('a' + static_cast<int>(api));
    for (const bool is_set : {is_chunked, facts.is_stream, facts.includes_usage,
                              facts.refuses_tools, facts.ends_in_result, facts.wants_base64}) {
        key_ += flag(is_set);
    }
    for (const uint64_t number :
         {facts.body_bytes, uint64_t{facts.inputs}, uint64_t{facts.dimensions}}) {
        key_.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    for (const Bytes text : {Bytes(facts.model), Bytes(facts.tool), options, fault}) {
        key_.append(text).push_back('\0');
    }
    if (const auto at = prepared_.find(key_); at != prepared_.end()) return at->second;

    auto applied = question.options.apply_model(facts.model);
    if (applied) applied = question.options.apply_list(options);
    if (applied && !fault.empty()) applied = question.options.apply("fault", fault);
    MockPrepared made;
    if (applied) {
        made = prepare_mock(question, is_chunked, loop.blocks());
    } else {
        made.problem = applied.error();
    }
    if (prepared_.size() >= prepared_max) prepared_.clear();
    auto shared_made = std::make_shared<const MockPrepared>(std::move(made));
    prepared_.emplace(key_, shared_made);
    return shared_made;
}

ring::Task<void> serve_mock_connection(MockWorker& worker, int socket,
                                       std::unique_ptr<net::Filter> filter) {
    http::ServerConnection client(worker.loop, socket, worker.limits, std::move(filter));
    MockClient known(client.signal());
    worker.clients.push_back(known);
    worker.counters.connections_open.add();
    worker.counters.connections_total.add();
    MockEnd end = MockEnd::keep_open;
    while (end == MockEnd::keep_open) {
        const auto head = client.poll_head();
        if (!head) {
            const bool is_gone = head.error().code == Code::closed;
            if (!is_gone) {
                MockExchange exchange(worker, client);
                exchange.line.keeps_alive = false;
                exchange.answer_error(400, head.error().what);
            }
            end = is_gone ? MockEnd::close : MockEnd::linger;
        } else if (*head == http::Progress::waiting) {
            if (worker.is_draining) break;
            co_await client.signal().wait();
        } else {
            end = co_await serve_request(worker, client);
            client.await_next_request();
        }
    }
    if (end == MockEnd::reset) {
        co_await prepare_reset(client);
    } else if (end != MockEnd::drop && !worker.is_stopping) {
        co_await client.close_gracefully(end == MockEnd::linger);
    }
    worker.counters.connections_open.subtract();
}

} // namespace ringway::tools
