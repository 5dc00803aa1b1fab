#include <algorithm>
#include <cstring>

#include "tools/mock_errors.h"
#include "tools/mock_exchange.h"

namespace ringway::tools {
namespace {

constexpr size_t unsent_bytes_max =
    65536; ///< written for a slow client: a stream's bound of memory
constexpr Duration slow_ttft = 10s;
constexpr Bytes json_type = "application/json";
constexpr Bytes event_type = "text/event-stream; charset=utf-8";

bool is_mid_stream(MockFault fault) {
    switch (fault) {
    case MockFault::cut:
    case MockFault::cut_mid_event:
    case MockFault::reset_mid:
    case MockFault::stall:
    case MockFault::malformed_event:
    case MockFault::malformed_chunk:
    case MockFault::error_mid_stream: return true;
    default: return false;
    }
}

/// One answer in a provider's API on its way to the client.
class ProviderAnswer {
public:
    ProviderAnswer(MockExchange& exchange, std::shared_ptr<const MockPrepared> prepared)
        : exchange_(exchange), prepared_(std::move(prepared)),
          options_(prepared_->question.options), fault_(options_.fault()) {}

    ring::Task<MockEnd> run() {
        const TimePoint began = exchange_.loop().now();
        if (options_.delay > Duration::zero()) {
            const bool goes_on = co_await exchange_.wait_until(began + options_.delay);
            if (!goes_on) co_return MockEnd::drop;
        }
        switch (fault_) {
        case MockFault::reset: co_return MockEnd::reset;
        case MockFault::close: co_return MockEnd::close;
        case MockFault::silence: co_return co_await be_silent();
        case MockFault::status:
        case MockFault::early_413: co_return refuse();
        case MockFault::garbage:
        case MockFault::bad_status:
        case MockFault::two_lengths: co_return break_head();
        default: break;
        }
        if (!is_stream()) co_return co_await answer_whole();
        observe::Counter& open = exchange_.worker.counters.streams_open;
        open.add();
        const MockEnd end = co_await stream();
        open.subtract();
        co_return end;
    }

private:
    bool is_stream() const { return prepared_->body.empty(); }
    MockApi api() const { return prepared_->question.api; }
    uint32_t fault_at() const {
        return std::min(options_.at.value_or(prepared_->event_count / 2), prepared_->event_count);
    }

    ring::Task<MockEnd> be_silent() {
        co_await exchange_.wait_until(TimePoint::never());
        co_return MockEnd::drop;
    }

    MockEnd refuse() {
        const uint16_t status = options_.fault_row->status;
        if (status == 502) {
            return exchange_.answer(status, "text/html",
                                    "<html><body><h1>502 Bad Gateway</h1></body></html>\n");
        }
        return exchange_.answer_error(status, mock_error_message(status));
    }

    MockEnd break_head() {
        constexpr Bytes good = "{\"mock\":true}";
        exchange_.client.begin_answer();
        if (fault_ == MockFault::garbage) {
            exchange_.send("\x15\x03\x01 this is no HTTP\r\n\r\n");
        } else if (fault_ == MockFault::bad_status) {
            exchange_.send("HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n");
        } else {
            exchange_.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                           "content-length: 13\r\ncontent-length: 12\r\n\r\n");
            exchange_.send(good);
        }
        return MockEnd::close;
    }

    void add_huge_field(http::HeadWriter& head) const {
        constexpr int fields = 64;
        if (fault_ != MockFault::huge_head) return;
        const std::string filler(4096, 'x');
        for (int i = 0; i < fields; ++i) {
            head.text("x-filler-").number(static_cast<uint64_t>(i)).text(": ").text(filler);
            head.text("\r\n");
        }
    }

    // Without streaming --------------------------------------------------------------------------
    ring::Task<MockEnd> answer_whole() {
        const uint32_t bursts = prepared_->event_count / options_.burst;
        const Duration time = ttft() + options_.gap * (bursts > 0 ? bursts - 1 : 0);
        if (time > Duration::zero()) {
            const bool goes_on = co_await exchange_.wait_until(exchange_.loop().now() + time);
            if (!goes_on) co_return MockEnd::drop;
        }
        if (fault_ == MockFault::error_in_200 || fault_ == MockFault::error_mid_stream) {
            co_return exchange_.answer(200, json_type,
                                       mock_error_body(api(), 500, mock_error_message(500)));
        }
        exchange_.worker.counters.tokens.add(prepared_->event_count);
        if (is_mid_stream(fault_)) co_return co_await answer_broken_body();
        http::HeadWriter head = exchange_.head(200, json_type);
        add_huge_field(head);
        head.field("content-length", prepared_->body_bytes).text("\r\n");
        exchange_.send(head);
        exchange_.send(prepared_->body);
        co_return exchange_.end();
    }

    /// Half of the body, and then what the fault says.
    ring::Task<MockEnd> answer_broken_body() {
        const Bytes first = prepared_->body.front().bytes();
        const Bytes half = first.substr(0, first.size() / 2);
        http::HeadWriter head = exchange_.head(200, json_type);
        if (fault_ == MockFault::malformed_chunk) {
            head.field("transfer-encoding", "chunked").text("\r\n");
            head.text("1g\r\n").text(half);
        } else if (fault_ == MockFault::malformed_event) {
            head.field("content-length", half.size()).text("\r\n").text(half);
        } else {
            head.field("content-length", prepared_->body_bytes).text("\r\n").text(half);
        }
        exchange_.send(head);
        if (fault_ == MockFault::malformed_event) co_return exchange_.end();
        co_return co_await end_broken();
    }

    /// What becomes of the connection after the bytes that the fault lets through.
    ring::Task<MockEnd> end_broken() {
        if (fault_ == MockFault::stall) co_return co_await be_silent();
        if (fault_ != MockFault::reset_mid) co_return MockEnd::close;
        const bool is_sent = co_await exchange_.wait_until_sent();
        co_return is_sent ? MockEnd::reset : MockEnd::drop;
    }

    // Streaming ----------------------------------------------------------------------------------
    Duration ttft() const {
        const bool is_slow = fault_ == MockFault::slow && options_.ttft == Duration::zero();
        return is_slow ? slow_ttft : options_.ttft;
    }

    void write_head() {
        http::HeadWriter head = exchange_.head(200, event_type);
        head.field("cache-control", "no-cache");
        add_huge_field(head);
        if (prepared_->is_chunked) head.field("transfer-encoding", "chunked");
        head.text("\r\n");
        exchange_.send(head);
    }

    ring::Task<MockEnd> stream() {
        write_head();
        if (fault_ == MockFault::error_in_200) {
            send_part(mock_error_event(api()));
            co_return end_body();
        }
        exchange_.send(prepared_->opening);
        const bool goes_on =
            co_await send_tokens(is_mid_stream(fault_) ? fault_at() : prepared_->event_count);
        if (!goes_on) co_return MockEnd::drop;
        if (is_mid_stream(fault_)) co_return co_await break_stream();
        send_closing();
        co_return end_body();
    }

    /// Sends tokens up to `end`, each burst when it is due; never more at once than a client that
    /// does not read may make us hold. False when it is over before.
    ring::Task<bool> send_tokens(uint32_t end) {
        http::ServerConnection& client = exchange_.client;
        ring::Loop& loop = exchange_.loop();
        TimePoint due = first_due(loop.now() + ttft());
        for (;;) {
            if (exchange_.is_over()) co_return false;
            const TimePoint now = loop.now();
            while (sent_ < end && due <= now &&
                   client.stream().unsent_bytes() <= unsent_bytes_max) {
                send_burst(std::min(options_.burst, end - sent_), now);
                due = due + next_gap();
            }
            if (sent_ == end) co_return true;
            if (due <= now) { // the client is slow
                client.deadline().clear();
                client.stream().notify_when_unsent_at_most(unsent_bytes_max / 2);
            } else {
                client.deadline().set(loop, due);
            }
            co_await client.signal().wait();
        }
    }

    /// The next step of the stream's group: steps of all groups divide the gap evenly.
    TimePoint first_due(TimePoint earliest) {
        const int64_t gap = options_.gap.count();
        if (options_.groups == 0 || gap == 0) return earliest;
        const int64_t group = exchange_.worker.streams_dealt++ % options_.groups;
        const int64_t offset = gap * group / options_.groups;
        const int64_t steps = (earliest.ns - offset + gap - 1) / gap;
        return {steps * gap + offset};
    }

    Duration next_gap() {
        if (options_.jitter == 0 || options_.gap == Duration::zero()) return options_.gap;
        const auto spread = static_cast<int64_t>(options_.jitter);
        const auto drawn = static_cast<int64_t>(exchange_.loop().backend().random() >> 1);
        const int64_t percent = 100 - spread + drawn % (2 * spread + 1);
        return options_.gap * percent / 100;
    }

    void send_burst(uint32_t count, TimePoint now) {
        exchange_.worker.counters.tokens.add(count);
        const uint32_t in_slab = prepared_->slab_events();
        while (count > 0) {
            const uint32_t first = sent_ % in_slab;
            const uint32_t run = std::min(count, in_slab - first);
            const uint32_t begin = prepared_->places[first].begin;
            const uint32_t bytes = prepared_->places[first + run].begin - begin;
            if (prepared_->is_patched()) patch(first, run, now);
            const ring::Slice& slab = prepared_->is_patched() ? own_ : prepared_->slab;
            exchange_.client.write(slab.part(begin, bytes));
            sent_ += run;
            count -= run;
        }
    }

    /// Writes the numbers of `run` events into a slab of the stream's own; if the kernel has not
    /// taken the last one's bytes yet, into a new one.
    void patch(uint32_t first, uint32_t run, TimePoint now) {
        if (!own_.is_sole_share()) {
            const Bytes slab = prepared_->slab.bytes();
            ring::Block& block = exchange_.loop().blocks().take(slab.size());
            std::memcpy(block.data(), slab.data(), slab.size());
            own_ = ring::Slice::adopt(block, slab.size());
        }
        char* const bytes = own_.block()->data();
        for (uint32_t i = 0; i < run; ++i) {
            const MockPrepared::Place& place = prepared_->places[first + i];
            if (place.number_at != 0) {
                write_mock_number(bytes + place.number_at, place.number_width,
                                  prepared_->number_first + sent_ + i);
            }
            if (place.seq_at == 0) continue;
            write_mock_number(bytes + place.seq_at, mock_seq_width, sent_ + i);
            write_mock_number(bytes + place.sent_at, mock_sent_width,
                              static_cast<uint64_t>(now.ns));
        }
    }

    void send_part(Bytes part) { exchange_.send(mock_chunk(part, prepared_->is_chunked)); }

    void send_closing() {
        const bool has_finish = !prepared_->finish.empty();
        const bool finishes = fault_ != MockFault::no_finish;
        exchange_.send(prepared_->settling);
        if (finishes) exchange_.send(prepared_->finish);
        exchange_.send(prepared_->usage);
        // In the Responses API one event tells the finish and ends the stream.
        const bool is_done = fault_ != MockFault::no_done && (has_finish || finishes);
        if (is_done) exchange_.send(prepared_->done);
    }

    MockEnd end_body() {
        if (!prepared_->is_chunked) return MockEnd::close;
        exchange_.client.write(ring::Slice::of_static("0\r\n\r\n"));
        return exchange_.end();
    }

    ring::Task<MockEnd> break_stream() {
        const Bytes event = prepared_->event;
        const Bytes half = event.substr(0, event.size() / 2);
        switch (fault_) {
        case MockFault::error_mid_stream: send_part(mock_error_event(api())); co_return end_body();
        case MockFault::malformed_event: {
            send_part(std::string(half) + "\n\n");
            const bool goes_on = co_await send_tokens(prepared_->event_count);
            if (!goes_on) co_return MockEnd::drop;
            send_closing();
            co_return end_body();
        }
        case MockFault::malformed_chunk:
            exchange_.send("1g\r\n" + std::string(event) + "\r\n");
            break;
        case MockFault::cut_mid_event: send_part(half); break;
        default: break;
        }
        co_return co_await end_broken();
    }

    MockExchange& exchange_;
    std::shared_ptr<const MockPrepared> prepared_;
    const MockOptions& options_;
    const MockFault fault_;
    uint32_t sent_ = 0; ///< content events
    ring::Slice own_;   ///< the slab with this stream's numbers
};

} // namespace

ring::Task<MockEnd> answer_as_provider(MockExchange& exchange,
                                       std::shared_ptr<const MockPrepared> prepared) {
    ProviderAnswer answer(exchange, std::move(prepared));
    co_return co_await answer.run();
}

} // namespace ringway::tools
