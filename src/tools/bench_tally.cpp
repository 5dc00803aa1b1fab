#include "tools/bench_tally.h"

#include <algorithm>

namespace ringway::tools {

void BenchTally::fail(Bytes what, uint16_t status, uint64_t count) {
    const auto known = std::find_if(failures.begin(), failures.end(), [&](const BenchFailure& f) {
        return f.what == what && f.status == status;
    });
    failed += count;
    if (known != failures.end()) {
        known->count += count;
    } else {
        failures.push_back({what, status, count});
    }
}

void BenchTally::add_faults(FaultSet set) {
    Bytes first;
    for (size_t i = 0; i < answer_faults; ++i) {
        if (!set.has(static_cast<AnswerFault>(i))) continue;
        ++faults[i];
        if (first.empty()) first = to_string(static_cast<AnswerFault>(i));
    }
    fail(first);
}

void BenchTally::merge(const BenchTally& other) {
    for (const auto histogram :
         {&BenchTally::ttft, &BenchTally::tpot, &BenchTally::itl, &BenchTally::e2el,
          &BenchTally::delay, &BenchTally::connect, &BenchTally::send_lag, &BenchTally::turn}) {
        (this->*histogram).merge(other.*histogram);
    }
    for (const auto count :
         {&BenchTally::sent, &BenchTally::completed, &BenchTally::aborted, &BenchTally::unfinished,
          &BenchTally::content_events, &BenchTally::output_tokens, &BenchTally::input_tokens,
          &BenchTally::reconnects, &BenchTally::tls_handshakes, &BenchTally::tls_resumed,
          &BenchTally::early_stamps, &BenchTally::window_completed, &BenchTally::window_good,
          &BenchTally::window_events, &BenchTally::window_bytes}) {
        this->*count += other.*count;
    }
    for (size_t i = 0; i < answer_faults; ++i) faults[i] += other.faults[i];
    for (const BenchFailure& failure : other.failures) {
        fail(failure.what, failure.status, failure.count);
    }
    last_completion_ns = std::max(last_completion_ns, other.last_completion_ns);
}

bool BenchTally::has_faults() const {
    return std::any_of(faults.begin(), faults.end(), [](uint64_t count) { return count != 0; });
}

} // namespace ringway::tools
