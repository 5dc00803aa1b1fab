#pragma once

#include <optional>
#include <random>

#include "base/intrusive_list.h"
#include "http/pool.h"
#include "ring/deadline.h"
#include "ring/task.h"
#include "tools/bench_request.h"
#include "tools/bench_tally.h"

namespace ringway::tools {

class BenchExchange;
struct RunningTag;

/// What the exchanges of one worker with one target share, for one round.
struct BenchRound {
    const BenchOptions& options;
    const BenchRequest& request;
    http::Pool& pool;
    ring::Loop& loop;
    EventScan& scan;
    wire::Fields& fields; ///< of the head being read
    std::mt19937_64& random;
    BenchLive& live;
    uint64_t& request_number;
    TimePoint window_begin;
    TimePoint window_end = TimePoint::never();

    BenchTally tally{};
    bool is_abandoned = false; ///< the drain time is over
    base::IntrusiveList<BenchExchange, RunningTag> running{};

    bool is_in_window(TimePoint time) const { return time >= window_begin && time < window_end; }
    /// Ends what is under way.
    void abandon();
};

/// One request and its answer, read as it comes and never kept.
class BenchExchange : public base::ListHook<RunningTag> {
public:
    /// `intended` is when the request should be sent; latencies count from it.
    BenchExchange(BenchRound& round, TimePoint intended);
    ~BenchExchange();

    /// Whether the answer was good.
    ring::Task<bool> run();
    void wake() { signal_.raise(); }

private:
    ring::Task<Status> connect();
    ring::Task<Status> ask();
    ring::Task<Status> read_answer();
    ring::Task<Status> read_body();
    Status take_input();
    void take_payload(Bytes payload);
    void on_content(const EventFacts& facts);
    Status check_goes_on();
    void decide_abort();
    Status judge();
    void settle(const Status& outcome);
    void settle_good();
    bool keeps_slo() const;
    bool is_dead_connection(const Status& outcome) const;
    TimePoint now() const { return round_.loop.now(); }

    BenchRound& round_;
    ring::Signal signal_;
    ring::Deadline deadline_;
    http::ClientConnectionPtr connection_;
    TimePoint intended_;
    TimePoint first_at_;
    TimePoint last_at_;
    Duration longest_gap_{};
    uint64_t abort_after_ = 0; ///< content events; 0: goes on to the end
    TimePoint abort_at_ = TimePoint::never();
    uint64_t content_events_ = 0;
    StreamCheck check_;
    std::unique_ptr<EventScan> body_scan_; ///< of an answer that is no stream
    FaultSet faults_;
    uint16_t http_status_ = 0;
    bool is_body_readable_ = true;
    bool is_measured_;
    bool is_aborted_ = false;
    bool has_surplus_ = false;
};

} // namespace ringway::tools
