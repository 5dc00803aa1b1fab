#pragma once

#include <cstddef>
#include <cstdint>

namespace ringway::ring {

/// Free lists of this thread, one per size class of 16 bytes: coroutine frames, connections and
/// queue nodes come from here, so that a steady load makes no heap allocation.
///
/// Whatever is allocated on a thread is released on the same thread. Sizes above 4 KiB go to the
/// heap. With AddressSanitizer everything goes to the heap, so that it sees each lifetime.
namespace memory {

void* allocate(size_t bytes);
void release(void* pointer, size_t bytes) noexcept;

/// Gives back to the heap half of what no one has needed since the last call. True: there was some.
bool trim();
/// Has the heap give this thread's free pages back to the system, as it otherwise does only when it
/// is used again. Nothing happens before someone said how.
void return_pages();
/// How return_pages() does it. Called by main before any thread starts: the heap is its choice.
void set_return_pages(void (*how)());

/// Bytes handed out and not yet released on this thread.
size_t bytes_in_use();

} // namespace memory

/// Derive from this to be allocated from this thread's free lists.
struct Pooled {
    static void* operator new(size_t bytes) { return memory::allocate(bytes); }
    static void operator delete(void* pointer, size_t bytes) noexcept {
        memory::release(pointer, bytes);
    }
};

} // namespace ringway::ring
