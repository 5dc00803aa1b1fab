#pragma once

#include <cstdint>

/// io_uring constants newer than Debian 12's liburing 2.3, with the kernel that brought each.
/// A run-time probe decides whether they may be used. Source: include/uapi/linux/io_uring.h.
namespace ringway::ring::uring_compat {

inline constexpr uint32_t feat_reg_reg_ring = 1U << 13;     // 6.3
inline constexpr uint32_t feat_recvsend_bundle = 1U << 14;  // 6.10
inline constexpr uint32_t feat_min_timeout = 1U << 15;      // 6.12
inline constexpr uint16_t recvsend_bundle = 1U << 4;        // 6.10
inline constexpr uint16_t send_zc_report_usage = 1U << 3;   // 6.2
inline constexpr uint16_t pbuf_ring_incremental = 2;        // 6.12
inline constexpr uint32_t notif_usage_zc_copied = 1U << 31; // 6.2

} // namespace ringway::ring::uring_compat
