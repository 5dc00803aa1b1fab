#include "base/duration_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ringway::base {

std::optional<Duration> parse_duration(Bytes text) {
    struct Unit {
        Bytes suffix;
        int64_t ns;
    };
    constexpr std::array<Unit, 6> units = {{{"ms", 1'000'000},
                                            {"us", 1'000},
                                            {"ns", 1},
                                            {"s", 1'000'000'000},
                                            {"m", 60'000'000'000},
                                            {"h", 3'600'000'000'000}}};
    if (text == "0") return Duration::zero();
    const auto* const unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
        return text.ends_with(candidate.suffix);
    });
    if (unit == units.end()) return std::nullopt;
    text.remove_suffix(unit->suffix.size());
    const size_t point = std::min(text.find('.'), text.size());
    const auto whole = parse_decimal(text.substr(0, point));
    if (!whole || *whole > static_cast<uint64_t>(INT64_MAX / unit->ns)) return std::nullopt;
    auto ns = static_cast<int64_t>(*whole) * unit->ns;
    if (point < text.size()) {
        const Bytes decimals = text.substr(point + 1);
        const auto fraction = parse_decimal(decimals);
        if (!fraction || decimals.size() > 3) return std::nullopt;
        int64_t scale = 1;
        for (size_t i = 0; i < decimals.size(); ++i) scale *= 10;
        const int64_t part = static_cast<int64_t>(*fraction) * unit->ns / scale;
        if (ns > INT64_MAX - part) return std::nullopt;
        ns += part;
    }
    return Duration(ns);
}

} // namespace ringway::base
