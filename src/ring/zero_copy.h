#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace ringway::ring {

/// Sends of less are copied: to pin pages and to hear of their return costs more than the copy of
/// a few pages, and the memory is free again at once.
inline constexpr size_t zero_copy_bytes_min = 32 * 1024;

/// No more than this, and the rest of a block, is lent in one send.
inline constexpr size_t zero_copy_bytes_max = 256 * 1024;

/// Decides whether a large send is worth lending its memory to the kernel instead of having it
/// copied, by what the kernel reports: it copies all the same where the path needs it, always over
/// loopback, and then the attempt only cost time. Starts by trying one. While the kernel does not
/// copy, all large sends go this way. Once it did, the next `pause_min` large sends are plain ones,
/// then one is tried again; each try in vain doubles the pause. Belongs to one worker.
/// Source: io_uring_enter(2), IORING_SEND_ZC_REPORT_USAGE.
class ZeroCopy {
public:
    static constexpr uint32_t pause_min = 64;
    static constexpr uint32_t pause_max = 65536;

    /// How a try went.
    enum class Outcome : uint8_t {
        lent,   ///< the kernel sent from the memory itself
        copied, ///< it copied, or refused
        unsent, ///< the connection broke first, which says nothing
    };

    /// Whether this large send is to try. Each try ends in one settle().
    bool is_worth_trying() {
        if (is_proven_ || tries_always_) return begin();
        if (plain_left_ > 0) {
            --plain_left_;
            return false;
        }
        return !is_trying_ && begin();
    }

    void settle(Outcome outcome) {
        const bool was_trying = is_trying_;
        is_trying_ = false;
        if (outcome == Outcome::lent) {
            is_proven_ = true;
            plain_left_ = 0;
            pause_ = pause_min;
        } else if (outcome == Outcome::copied) {
            ++copied_;
            // Those that were begun before the first of them was heard of say nothing new.
            if (is_proven_ || was_trying) pause();
            is_proven_ = false;
        }
    }

    uint64_t tried() const { return tried_; }
    uint64_t copied() const { return copied_; }

    /// Whatever the kernel says, as tests want it.
    void try_always() { tries_always_ = true; }

private:
    bool begin() {
        ++tried_;
        is_trying_ = !is_proven_;
        return true;
    }
    void pause() {
        plain_left_ = pause_;
        pause_ = std::min(pause_ * 2, pause_max);
    }

    uint64_t tried_ = 0;
    uint64_t copied_ = 0;
    uint32_t plain_left_ = 0;
    uint32_t pause_ = pause_min; ///< the next one's length
    bool is_proven_ = false;
    bool is_trying_ = false; ///< one is under way that will tell
    bool tries_always_ = false;
};

} // namespace ringway::ring
