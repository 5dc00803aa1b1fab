#pragma once

#include <liburing.h>

#include <cstdint>
#include <string>

#include "base/assert.h"
#include "ringway/result.h"

namespace ringway::ring {

/// What the running kernel's io_uring offers, found by trying.
struct UringFeatures {
    bool single_issuer = false;
    bool defer_taskrun = false;
    bool coop_taskrun = false;
    bool registered_ring_fd = false;
    bool send_zero_copy = false;
    bool sendmsg_zero_copy = false;
    bool receive_bundle = false;
    bool incremental_buffers = false;
    bool min_wait = false;

    /// "single_issuer defer_taskrun ...", for logs and `version --build`.
    std::string to_string() const;
};

/// The running kernel's release, such as "6.1.0-18-amd64".
std::string kernel_release();

/// A ring and its completion queue, as liburing sets them up. One thread makes and uses it.
/// Invariant: a submission entry handed out by next_entry() is filled before the next enter().
class Uring {
public:
    struct Options {
        unsigned submission_entries = 1024;
        unsigned completion_entries = 8192; ///< multishot receives of many sockets may fill it
    };

    /// On failure `explanation` says which of sysctl, seccomp or the kernel's age refuses io_uring,
    /// and what to change.
    static Result<void> open(Uring& ring, const Options& options, std::string& explanation);
    Uring() = default;
    ~Uring();
    Uring(const Uring&) = delete;
    Uring& operator=(const Uring&) = delete;

    const UringFeatures& features() const { return features_; }

    /// A submission entry to be filled by one of liburing's io_uring_prep functions, which set all
    /// but user_data. When the queue is full, what is there is submitted first.
    io_uring_sqe& next_entry() {
        ensure_room();
        ++queued_;
        return ring_.sq.sqes[local_tail_++ & ring_.sq.ring_mask];
    }

    /// Submits all entries and waits for `completions_min` completions, for `timeout_ns` at most
    /// (below 0: for ever). One system call. Errors of the wait are ordinary ends of it.
    void enter(unsigned completions_min, int64_t timeout_ns);

    /// Calls `visit` for each completion there is, then frees their places.
    template <class F>
    void for_each_completion(F&& visit) {
        do {
            unsigned head = *ring_.cq.khead;
            unsigned tail = io_uring_smp_load_acquire(ring_.cq.ktail);
            while (head != tail) {
                const io_uring_cqe entry = ring_.cq.cqes[head & ring_.cq.ring_mask];
                io_uring_smp_store_release(ring_.cq.khead, ++head);
                visit(entry);
                if (head == tail) tail = io_uring_smp_load_acquire(ring_.cq.ktail);
            }
        } while (flush_overflow());
    }
    bool has_completions() const {
        return *ring_.cq.khead != io_uring_smp_load_acquire(ring_.cq.ktail);
    }

    /// Makes the next next_entry() one that submits nothing.
    void ensure_room() {
        if (local_tail_ - started_head() == ring_.sq.ring_entries) [[unlikely]]
            submit();
    }
    /// Submits all entries without waiting.
    void submit();
    unsigned entries() const { return ring_.sq.ring_entries; }

    uint64_t queued() const { return queued_; }
    /// Entries that the kernel has consumed.
    uint64_t started() const { return queued_ - (local_tail_ - started_head()); }
    uint64_t enters() const { return enters_; }
    uint64_t overflows() const { return overflows_; }

    /// Registers a ring of `entries` provided buffers as `group`; null when refused.
    io_uring_buf_ring* register_buffer_ring(unsigned entries, uint16_t group, uint16_t flags);
    void unregister_buffer_ring(io_uring_buf_ring* buffers, unsigned entries, uint16_t group);

private:
    unsigned started_head() const { return io_uring_smp_load_acquire(ring_.sq.khead); }
    /// Completions that found the queue full wait in the kernel: fetches them, if any.
    bool flush_overflow();
    int system_call(unsigned to_submit, unsigned completions_min, unsigned flags, void* argument,
                    size_t argument_size);
    void find_features(unsigned setup_flags);

    io_uring ring_{};
    bool is_open_ = false;
    unsigned local_tail_ = 0;
    uint64_t queued_ = 0;
    uint64_t enters_ = 0;
    uint64_t overflows_ = 0;
    UringFeatures features_;
};

} // namespace ringway::ring
