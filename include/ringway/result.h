#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>

namespace ringway {

/// What went wrong. One switch maps `Code` and `Blame` to an HTTP status (gateway/respond.cpp).
enum class Code : uint8_t {
    malformed,       ///< bytes that break the grammar they should follow
    unsupported,     ///< well formed, but nothing here does that
    too_large,       ///< above a limit on bytes or counts
    unauthenticated, ///< no key, or one that is not known or has expired
    forbidden,       ///< a known key that may not do this
    not_found,       ///< no such model, path or provider
    method_not_allowed,
    length_required,
    uri_too_long,
    media_type_unsupported,
    expectation_failed,
    head_too_large,
    not_implemented,
    version_unsupported,
    timeout,      ///< a time limit passed
    refused,      ///< nobody answered at that address
    closed,       ///< the other end closed
    reset,        ///< the other end broke the connection
    cancelled,    ///< stopped from our own side
    unreachable,  ///< no route, or the name does not resolve
    tls_failed,   ///< handshake or certificate
    exhausted,    ///< a resource of ours ran out
    draining,     ///< the server is stopping
    rate_limited, ///< the upstream asked us to slow down
    overloaded,   ///< the upstream has no capacity
    internal,     ///< a fault of ringway itself
};

/// Whose fault it is: it decides between 4xx, 5xx and 502.
enum class Blame : uint8_t { client, upstream, gateway };

/// Whether another try may help.
enum class Retry : uint8_t { never, same_target, other_target };

/// An error: what happened, whose fault, whether another try may help.
/// `what` is a static literal; details that vary go to the log where the error is born.
struct Error {
    Code code = Code::internal;
    Blame blame = Blame::gateway;
    Retry retry = Retry::never;
    int sys_errno = 0;
    std::string_view what;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

constexpr std::unexpected<Error> client_error(Code code, std::string_view what) {
    return std::unexpected(Error{code, Blame::client, Retry::never, 0, what});
}
constexpr std::unexpected<Error> upstream_error(Code code, std::string_view what,
                                                Retry retry = Retry::other_target,
                                                int sys_errno = 0) {
    return std::unexpected(Error{code, Blame::upstream, retry, sys_errno, what});
}
constexpr std::unexpected<Error> gateway_error(Code code, std::string_view what,
                                               int sys_errno = 0) {
    return std::unexpected(Error{code, Blame::gateway, Retry::never, sys_errno, what});
}

std::string_view to_string(Code code);

} // namespace ringway

#define RINGWAY_CONCAT_(a, b) a##b
#define RINGWAY_CONCAT(a, b) RINGWAY_CONCAT_(a, b)
#define RINGWAY_TRY_(result, declaration, expression, return_word)                                 \
    auto result = (expression);                                                                    \
    if (!result) return_word std::unexpected(result.error());                                      \
    declaration = std::move(*result)

/// Binds the value of a Result, or returns its error: `RINGWAY_TRY(auto port, parse_port(text));`
#define RINGWAY_TRY(declaration, ...)                                                              \
    RINGWAY_TRY_(RINGWAY_CONCAT(result_, __LINE__), declaration, (__VA_ARGS__), return)
#define RINGWAY_CO_TRY(declaration, ...)                                                           \
    RINGWAY_TRY_(RINGWAY_CONCAT(result_, __LINE__), declaration, (__VA_ARGS__), co_return)
#define RINGWAY_RETURN_IF_ERROR(...)                                                               \
    do {                                                                                           \
        if (auto status_ = (__VA_ARGS__); !status_) return std::unexpected(status_.error());       \
    } while (false)
#define RINGWAY_CO_RETURN_IF_ERROR(...)                                                            \
    do {                                                                                           \
        if (auto status_ = (__VA_ARGS__); !status_) co_return std::unexpected(status_.error());    \
    } while (false)
