#include <cstdio>

#include "app/commands.h"
#include "net/tls.h"
#include "ring/uring.h"
#include "ringway/version.h"
#include "wire/http1_parser.h"

namespace ringway::app {

int version_command(const Arguments& arguments) {
    std::printf("ringway %s\n", std::string(version).c_str());
    if (!arguments.shows_build) return 0;
    std::printf("compiler: %s\n", __VERSION__);
    std::printf("liburing: %s\n", RINGWAY_LIBURING_VERSION);
    std::printf("llhttp:   %s\n", wire::llhttp_version().c_str());
    std::printf("openssl:  %s\n", net::tls_library_version().c_str());
#if defined(RINGWAY_WITH_MIMALLOC)
    std::printf("malloc:   mimalloc\n");
#else
    std::printf("malloc:   libc\n");
#endif
    std::printf("kernel:   %s\n", ring::kernel_release().c_str());
    ring::Uring uring;
    std::string explanation;
    if (const auto opened = ring::Uring::open(uring, {}, explanation); !opened) {
        std::printf("io_uring: %s\n", explanation.c_str());
        return 1;
    }
    std::printf("io_uring: %s\n", uring.features().to_string().c_str());
    return 0;
}

} // namespace ringway::app
