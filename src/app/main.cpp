#if defined(RINGWAY_WITH_MIMALLOC)
#include <mimalloc-new-delete.h>
#endif

#include "app/commands.h"
#include "ring/memory.h"

int main(int count, char** values) {
    using ringway::app::Arguments;
#if defined(RINGWAY_WITH_MIMALLOC)
    ringway::ring::memory::set_return_pages([] { mi_collect(true); });
#endif
    const auto parsed = ringway::app::parse_arguments(count, values);
    if (parsed.exit_status) return *parsed.exit_status;
    switch (parsed.arguments.command) {
    case Arguments::Command::serve: return ringway::app::serve_command(parsed.arguments);
    case Arguments::Command::check: return ringway::app::check_command(parsed.arguments);
    case Arguments::Command::version: return ringway::app::version_command(parsed.arguments);
    case Arguments::Command::mock: return ringway::app::mock_command(parsed.arguments);
    case Arguments::Command::bench: return ringway::app::bench_command(parsed.arguments);
    }
    return 2;
}
