#include "base/byte_size.h"

#include <array>

#include "base/text.h"

namespace ringway::base {

std::optional<uint64_t> parse_byte_size(Bytes text) {
    struct Unit {
        Bytes suffix;
        unsigned shift;
    };
    constexpr std::array<Unit, 4> units = {{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"B", 0}}};
    unsigned shift = 0;
    for (const Unit& unit : units) {
        if (!text.ends_with(unit.suffix)) continue;
        shift = unit.shift;
        text.remove_suffix(unit.suffix.size());
        break;
    }
    const auto number = parse_decimal(text);
    if (!number || *number > (uint64_t{INT64_MAX} >> shift)) return std::nullopt;
    return *number << shift;
}

} // namespace ringway::base
