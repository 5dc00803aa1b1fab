#include "observe/counters.h"

namespace ringway::observe {

ProviderCounters& Counters::provider(Bytes name, unsigned worker) {
    const std::lock_guard lock(mutex_);
    for (ProviderCounters& counters : providers_) {
        if (counters.provider == name && counters.worker == worker) return counters;
    }
    ProviderCounters& made = providers_.emplace_back();
    made.provider = name;
    made.worker = worker;
    return made;
}

} // namespace ringway::observe
