#include "ring/uring.h"

#include "ring/uring_compat.h"

#include <sys/mman.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace ringway::ring {

std::string kernel_release() {
    utsname name{};
    return uname(&name) == 0 ? name.release : "unknown";
}

namespace {

std::string first_line_of(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

bool is_seccomp_filtered() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Seccomp:")) return line.back() == '2';
    }
    return false;
}

/// One line: who refuses io_uring, and what to change.
std::string explain_denied(int error) {
    const std::string sysctl = first_line_of("/proc/sys/kernel/io_uring_disabled");
    if (error == EPERM && sysctl == "2") {
        return "io_uring is switched off by sysctl: set kernel.io_uring_disabled=0 "
               "(sysctl -w kernel.io_uring_disabled=0)";
    }
    if (error == EPERM && sysctl == "1") {
        return "io_uring is restricted by sysctl kernel.io_uring_disabled=1: set it to 0, or run "
               "as a member of the group in kernel.io_uring_group";
    }
    if (error == EPERM || (error == ENOSYS && is_seccomp_filtered())) {
        return "io_uring is refused by a seccomp filter, as container runtimes set by default: "
               "allow io_uring_setup, io_uring_enter and io_uring_register in the profile";
    }
    if (error == ENOSYS) return "this kernel (" + kernel_release() + ") has no io_uring";
    if (error == ENOMEM) {
        return "io_uring could not lock memory for its rings: raise RLIMIT_MEMLOCK";
    }
    return std::string("io_uring_setup failed: ") + std::strerror(error);
}

constexpr unsigned base_flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

/// From best to least; each older kernel takes a later one.
constexpr std::array<unsigned, 4> flag_ladder = {
    base_flags | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, // 6.1
    base_flags | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,  // 6.0
    base_flags | IORING_SETUP_COOP_TASKRUN,                               // 5.19
    base_flags,                                                           // 5.18
};

} // namespace

Result<void> Uring::open(Uring& ring, const Options& options, std::string& explanation) {
    int result = -EINVAL;
    unsigned flags = 0;
    for (size_t rung = 0; rung < flag_ladder.size() && result == -EINVAL; ++rung) {
        io_uring_params parameters{};
        parameters.flags = flags = flag_ladder[rung];
        parameters.cq_entries = options.completion_entries;
        result = io_uring_queue_init_params(options.submission_entries, &ring.ring_, &parameters);
    }
    if (result < 0) {
        explanation = explain_denied(-result);
        return gateway_error(Code::unsupported, "io_uring is not available", -result);
    }
    ring.is_open_ = true;
    for (unsigned i = 0; i < ring.ring_.sq.ring_entries; ++i) ring.ring_.sq.array[i] = i;
    ring.find_features(flags);
    if (!ring.features_.send_zero_copy) { // the opcode came with 6.0, as did multishot receive
        explanation =
            "io_uring of Linux 6.0 or newer is needed, this kernel is " + kernel_release();
        return gateway_error(Code::unsupported, "io_uring is too old");
    }
    return {};
}

void Uring::find_features(unsigned setup_flags) {
    features_.single_issuer = (setup_flags & IORING_SETUP_SINGLE_ISSUER) != 0;
    features_.defer_taskrun = (setup_flags & IORING_SETUP_DEFER_TASKRUN) != 0;
    features_.coop_taskrun = (setup_flags & IORING_SETUP_COOP_TASKRUN) != 0;
    features_.registered_ring_fd = io_uring_register_ring_fd(&ring_) == 1;
    features_.receive_bundle = (ring_.features & uring_compat::feat_recvsend_bundle) != 0;
    features_.min_wait = (ring_.features & uring_compat::feat_min_timeout) != 0;
    if (io_uring_probe* probe = io_uring_get_probe_ring(&ring_)) {
        features_.send_zero_copy = io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) != 0;
        features_.sendmsg_zero_copy = io_uring_opcode_supported(probe, IORING_OP_SENDMSG_ZC) != 0;
        io_uring_free_probe(probe);
    }
    constexpr uint16_t trial_group = 0xffff;
    if (auto* trial = register_buffer_ring(1, trial_group, uring_compat::pbuf_ring_incremental)) {
        features_.incremental_buffers = true;
        unregister_buffer_ring(trial, 1, trial_group);
    }
}

Uring::~Uring() {
    if (is_open_) io_uring_queue_exit(&ring_);
}

int Uring::system_call(unsigned to_submit, unsigned completions_min, unsigned flags, void* argument,
                       size_t argument_size) {
    ++enters_;
    if (features_.registered_ring_fd) flags |= IORING_ENTER_REGISTERED_RING;
    return io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), to_submit, completions_min,
                           flags, static_cast<sigset_t*>(argument), argument_size);
}

void Uring::enter(unsigned completions_min, int64_t timeout_ns) {
    io_uring_smp_store_release(ring_.sq.ktail, local_tail_);
    const unsigned to_submit = local_tail_ - started_head();
    __kernel_timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = _NSIG / 8;
    if (timeout_ns >= 0) argument.ts = reinterpret_cast<uint64_t>(&timeout);
    const int result =
        system_call(to_submit, completions_min, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                    &argument, sizeof(argument));
    // -EBUSY and -EAGAIN: completions must be taken first; the entries stay queued until then.
    const bool is_ordinary = result >= 0 || result == -ETIME || result == -EINTR ||
                             result == -EBUSY || result == -EAGAIN;
    if (!is_ordinary) {
        std::fprintf(stderr, "ringway: io_uring_enter: %s\n", std::strerror(-result));
        std::abort();
    }
}

/// Completions that overflowed may have to move into their queue first; for_each_completion() frees
/// a place before each visit, so one of a few tries goes through.
void Uring::submit() {
    constexpr int tries_max = 8;
    int result = 0;
    for (int tries = 0; tries < tries_max; ++tries) {
        io_uring_smp_store_release(ring_.sq.ktail, local_tail_);
        result = system_call(local_tail_ - started_head(), 0, IORING_ENTER_GETEVENTS, nullptr, 0);
        if (local_tail_ == started_head()) return;
    }
    std::fprintf(stderr, "ringway: io_uring_enter takes no entries: %s\n",
                 std::strerror(result < 0 ? -result : EBUSY));
    std::abort();
}

bool Uring::flush_overflow() {
    if ((*static_cast<volatile unsigned*>(ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) == 0) {
        return false;
    }
    ++overflows_;
    system_call(0, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
    return true;
}

io_uring_buf_ring* Uring::register_buffer_ring(unsigned entries, uint16_t group, uint16_t flags) {
    const size_t bytes = entries * sizeof(io_uring_buf);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    auto* buffers = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_ring_init(buffers);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uint64_t>(memory);
    registration.ring_entries = entries;
    registration.bgid = group;
    registration.pad = flags; // named `flags` since 6.4
    if (io_uring_register_buf_ring(&ring_, &registration, 0) != 0) {
        munmap(memory, bytes);
        return nullptr;
    }
    return buffers;
}

void Uring::unregister_buffer_ring(io_uring_buf_ring* buffers, unsigned entries, uint16_t group) {
    io_uring_unregister_buf_ring(&ring_, group);
    munmap(buffers, entries * sizeof(io_uring_buf));
}

std::string UringFeatures::to_string() const {
    std::string text;
    auto add = [&](bool present, const char* name) {
        if (!present) return;
        if (!text.empty()) text += ' ';
        text += name;
    };
    add(single_issuer, "single_issuer");
    add(defer_taskrun, "defer_taskrun");
    add(coop_taskrun, "coop_taskrun");
    add(registered_ring_fd, "registered_ring_fd");
    add(send_zero_copy, "send_zero_copy");
    add(sendmsg_zero_copy, "sendmsg_zero_copy");
    add(receive_bundle, "receive_bundle");
    add(incremental_buffers, "incremental_buffers");
    add(min_wait, "min_wait");
    return text;
}

} // namespace ringway::ring
