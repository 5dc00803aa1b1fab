#include "tools/bench_exchange.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"

namespace ringway::tools {
namespace {

constexpr std::string_view aborted_what = "given up by the load generator";

/// What the report says of an error.
Bytes reason_of(const Error& error) {
    if (error.sys_errno == EADDRNOTAVAIL) return "no local port left";
    if (error.code == Code::refused) return "connection refused";
    if (error.code == Code::exhausted) return "no descriptor left";
    return error.what;
}

bool is_abandoned(const void* context) {
    return static_cast<const BenchRound*>(context)->is_abandoned;
}

} // namespace

void BenchRound::abandon() {
    is_abandoned = true;
    running.for_each([](BenchExchange& exchange) { exchange.wake(); });
}

BenchExchange::BenchExchange(BenchRound& round, TimePoint intended)
    : round_(round), signal_(round.loop), deadline_(signal_), intended_(intended),
      is_measured_(round.is_in_window(intended)) {
    round_.running.push_back(*this);
    BenchLive::add(round_.live.running, 1);
    if (round_.options.abort_percent > 0) decide_abort();
}

BenchExchange::~BenchExchange() {
    BenchLive::add(round_.live.running, UINT64_MAX); // one less
}

/// Some clients go away in the middle of an answer: after a random number of its events.
void BenchExchange::decide_abort() {
    if (round_.random() % 100 >= round_.options.abort_percent) return;
    const uint64_t events = round_.options.expect_tokens.value_or(round_.options.max_tokens);
    abort_after_ = 1 + round_.random() % std::max<uint64_t>(events, 1);
    if (round_.options.streams) return;
    // Without events to count, after a random part of the time that answers took so far.
    const auto typical_ns = static_cast<uint64_t>(round_.tally.e2el.mean_ns());
    abort_at_ =
        intended_ + Duration(static_cast<int64_t>(round_.random() % (typical_ns + 1'000'000)));
}

ring::Task<bool> BenchExchange::run() {
    if (is_measured_) {
        ++round_.tally.sent;
        round_.tally.send_lag.record(round_.loop.backend().now() - intended_);
    }
    const Status connected = co_await connect();
    Status outcome = connected;
    if (connected) outcome = co_await ask();
    if (is_dead_connection(outcome)) { // once more, over a new one
        ++round_.tally.reconnects;
        round_.pool.give_back(std::move(connection_));
        const http::Waiting waiting{signal_, deadline_, is_abandoned, &round_};
        auto opened = co_await round_.pool.open(waiting);
        outcome = opened ? Status() : Status(std::unexpected(opened.error()));
        if (opened) connection_ = std::move(*opened);
        if (opened) outcome = co_await ask();
    }
    if (outcome) outcome = judge();
    settle(outcome);
    round_.pool.give_back(std::move(connection_));
    co_return outcome.has_value();
}

/// The server closed an idle connection while the request was on its way: no fault of anyone.
bool BenchExchange::is_dead_connection(const Status& outcome) const {
    if (outcome || connection_ == nullptr) return false;
    const Code code = outcome.error().code;
    return (code == Code::closed || code == Code::reset) && connection_->was_used() &&
           connection_->is_unanswered();
}

ring::Task<Status> BenchExchange::connect() {
    if (!round_.options.opens_connections) connection_ = round_.pool.try_take_idle(signal_);
    if (connection_ != nullptr) co_return Status();
    const TimePoint began = round_.loop.backend().now();
    const http::Waiting waiting{signal_, deadline_, is_abandoned, &round_};
    auto opened = co_await round_.pool.open(waiting);
    if (!opened) co_return std::unexpected(opened.error());
    connection_ = std::move(*opened);
    if (is_measured_) round_.tally.connect.record(now() - began);
    co_return Status();
}

ring::Task<Status> BenchExchange::ask() {
    const TimePoint due = round_.loop.now() + round_.options.timeout;
    deadline_.set(round_.loop, std::min(due, abort_at_));
    connection_->begin_request(wire::Method::post);
    ring::SliceQueue out;
    round_.request.write(round_.request_number++, round_.loop.blocks(), out);
    connection_->stream().write(std::move(out));
    co_return co_await read_answer();
}

ring::Task<Status> BenchExchange::read_answer() {
    wire::StatusLine line;
    for (;;) {
        RINGWAY_CO_TRY(const http::Progress head, connection_->poll_head(round_.fields, line));
        if (head == http::Progress::done) break;
        RINGWAY_CO_RETURN_IF_ERROR(check_goes_on());
        co_await signal_.wait();
    }
    http_status_ = line.status;
    const Bytes type = round_.fields.get(wire::FieldId::content_type);
    constexpr Bytes event_stream = "text/event-stream";
    const bool is_stream =
        base::equals_ignoring_case(type.substr(0, event_stream.size()), event_stream);
    if (http_status_ == 200 && round_.options.streams && !is_stream) {
        co_return upstream_error(Code::malformed, "the answer is no event stream");
    }
    if (http_status_ == 200 && !round_.options.streams) {
        body_scan_ = std::make_unique<EventScan>(round_.scan.api());
        body_scan_->begin();
    }
    connection_->release_head();
    co_return co_await read_body();
}

ring::Task<Status> BenchExchange::read_body() {
    net::Stream& stream = connection_->stream();
    for (;;) {
        RINGWAY_CO_RETURN_IF_ERROR(take_input());
        if (connection_->body().has_ended()) co_return Status();
        if (stream.failure()) co_return std::unexpected(*stream.failure());
        if (stream.has_ended()) {
            const bool ends_so = connection_->body().framing() == wire::Framing::until_close;
            if (ends_so && !stream.was_cut()) co_return Status();
            co_return upstream_error(Code::closed, "the answer broke off");
        }
        RINGWAY_CO_RETURN_IF_ERROR(check_goes_on());
        co_await signal_.wait();
    }
}

Status BenchExchange::check_goes_on() {
    is_aborted_ = (abort_after_ != 0 && content_events_ >= abort_after_) || now() >= abort_at_;
    if (is_aborted_) return gateway_error(Code::cancelled, aborted_what);
    if (round_.is_abandoned)
        return gateway_error(Code::cancelled, "not finished in the drain time");
    if (deadline_.has_passed(now())) return gateway_error(Code::timeout, "no whole answer in time");
    return {};
}

Status BenchExchange::take_input() {
    net::Stream& stream = connection_->stream();
    http::BodyReader& body = connection_->body();
    while (stream.has_input() && !body.has_ended()) {
        const ring::Slice slice = stream.take();
        if (round_.is_in_window(now())) round_.tally.window_bytes += slice.size();
        Bytes rest = slice.bytes();
        while (!rest.empty() && !body.has_ended()) {
            RINGWAY_TRY(const auto step, body.next(rest));
            if (!step.payload.empty()) take_payload(step.payload);
            rest.remove_prefix(step.consumed);
        }
        has_surplus_ = has_surplus_ || !rest.empty();
    }
    has_surplus_ = has_surplus_ || (body.has_ended() && stream.has_input());
    return {};
}

void BenchExchange::take_payload(Bytes payload) {
    if (http_status_ != 200) return;
    if (round_.options.streams) {
        check_.feed(payload, round_.scan, [this](const EventFacts& facts) { on_content(facts); });
        return;
    }
    if (first_at_.ns == 0) first_at_ = now();
    is_body_readable_ = is_body_readable_ && body_scan_->feed(payload);
}

void BenchExchange::on_content(const EventFacts& facts) {
    const TimePoint at = now();
    BenchTally& tally = round_.tally;
    BenchLive::add(round_.live.events, 1);
    if (round_.is_in_window(at)) ++tally.window_events;
    if (content_events_++ == 0) {
        first_at_ = at;
    } else {
        const Duration gap = at - last_at_;
        longest_gap_ = std::max(longest_gap_, gap);
        if (is_measured_) tally.itl.record(gap);
    }
    last_at_ = at;
    if (!facts.sent_ns || !is_measured_) return;
    const Duration delay(at.ns - static_cast<int64_t>(*facts.sent_ns));
    if (delay < Duration::zero()) ++tally.early_stamps;
    tally.delay.record(delay);
}

/// The answer has ended as HTTP has it. Is it a good one?
Status BenchExchange::judge() {
    if (http_status_ != 200) return upstream_error(Code::overloaded, "HTTP status");
    if (has_surplus_) return upstream_error(Code::malformed, "bytes after the answer's end");
    AnswerExpectation expected;
    expected.has_usage = round_.options.asks_for_usage;
    expected.content_events = round_.options.expect_tokens;
    if (round_.options.streams) {
        faults_ = check_.finish(expected);
    } else if (!is_body_readable_ || !body_scan_->finish()) {
        faults_.add(AnswerFault::malformed);
    } else {
        faults_ = check_body(body_scan_->facts(), expected);
    }
    if (!faults_.empty()) return upstream_error(Code::malformed, "integrity");
    return {};
}

void BenchExchange::settle(const Status& outcome) {
    BenchTally& tally = round_.tally;
    if (outcome) return settle_good();
    if (is_aborted_) {
        ++tally.aborted;
    } else if (round_.is_abandoned && outcome.error().code == Code::cancelled) {
        ++tally.unfinished;
    } else if (!faults_.empty()) {
        tally.add_faults(faults_);
        BenchLive::add(round_.live.failed, 1);
    } else {
        tally.fail(reason_of(outcome.error()), http_status_ == 200 ? uint16_t{0} : http_status_);
        BenchLive::add(round_.live.failed, 1);
    }
}

void BenchExchange::settle_good() {
    BenchTally& tally = round_.tally;
    const TimePoint ended = now();
    BenchLive::add(round_.live.completed, 1);
    if (round_.is_in_window(ended)) {
        ++tally.window_completed;
        if (keeps_slo()) ++tally.window_good;
    }
    tally.last_completion_ns = std::max(tally.last_completion_ns, ended.ns);
    if (!is_measured_) return;
    ++tally.completed;
    tally.content_events += check_.content_events();
    if (round_.options.streams) {
        tally.output_tokens += check_.output_tokens();
        tally.input_tokens += check_.input_tokens();
    } else {
        tally.output_tokens += body_scan_->facts().output_tokens.value_or(0);
        tally.input_tokens += body_scan_->facts().input_tokens.value_or(0);
    }
    tally.e2el.record(ended - intended_);
    if (first_at_.ns != 0) tally.ttft.record(first_at_ - intended_);
    if (content_events_ < 2 || !round_.options.streams) return;
    tally.tpot.record((last_at_ - first_at_) / static_cast<int64_t>(content_events_ - 1));
}

bool BenchExchange::keeps_slo() const {
    const BenchSlo& slo = round_.options.slo;
    const auto keeps = [](Duration bound, Duration value) {
        return bound == Duration::zero() || value <= bound;
    };
    const auto gaps = static_cast<int64_t>(std::max<uint64_t>(content_events_, 2) - 1);
    return keeps(slo.ttft, first_at_ - intended_) && keeps(slo.itl, longest_gap_) &&
           keeps(slo.e2el, now() - intended_) && keeps(slo.tpot, (last_at_ - first_at_) / gaps);
}

} // namespace ringway::tools
