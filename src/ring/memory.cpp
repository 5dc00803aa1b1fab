#include "ring/memory.h"

#include <algorithm>
#include <array>
#include <new>

namespace ringway::ring::memory {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define RINGWAY_MEMORY_PASSES_THROUGH 1
#endif
#endif

constexpr size_t class_bytes = 16;
constexpr size_t pooled_bytes_max = 4096;

struct FreeCell {
    FreeCell* next;
};

/// Cells of one size. `idle_min` is the least length since the last trim: cells that no one needed.
struct SizeClass {
    FreeCell* head = nullptr;
    uint32_t length = 0;
    uint32_t idle_min = 0;
};

struct FreeLists {
    std::array<SizeClass, pooled_bytes_max / class_bytes + 1> classes;
    size_t in_use = 0;

    ~FreeLists() {
        for (auto& size_class : classes) drop(size_class, size_class.length);
    }
    static void drop(SizeClass& from, uint32_t count) {
        for (; count > 0; --count) {
            FreeCell* cell = from.head;
            from.head = cell->next;
            --from.length;
            ::operator delete(cell);
        }
    }
};

thread_local FreeLists lists;
void (*pages_return)() = nullptr;

} // namespace

void* allocate(size_t bytes) {
    lists.in_use += bytes;
#ifndef RINGWAY_MEMORY_PASSES_THROUGH
    if (bytes <= pooled_bytes_max) {
        const size_t index = (bytes + class_bytes - 1) / class_bytes;
        SizeClass& from = lists.classes[index];
        if (from.head == nullptr) return ::operator new(index * class_bytes);
        FreeCell* cell = from.head;
        from.head = cell->next;
        if (--from.length < from.idle_min) from.idle_min = from.length;
        return cell;
    }
#endif
    return ::operator new(bytes);
}

void release(void* pointer, size_t bytes) noexcept {
    lists.in_use -= bytes;
#ifndef RINGWAY_MEMORY_PASSES_THROUGH
    if (bytes <= pooled_bytes_max) {
        SizeClass& to = lists.classes[(bytes + class_bytes - 1) / class_bytes];
        auto* cell = static_cast<FreeCell*>(pointer);
        cell->next = to.head;
        to.head = cell;
        ++to.length;
        return;
    }
#endif
    ::operator delete(pointer);
}

bool trim() {
    uint32_t dropped = 0;
    for (auto& size_class : lists.classes) {
        const uint32_t surplus = (size_class.idle_min + 1) / 2;
        FreeLists::drop(size_class, surplus);
        size_class.idle_min = size_class.length;
        dropped += surplus;
    }
    return dropped > 0;
}

void return_pages() {
    if (pages_return != nullptr) pages_return();
}

void set_return_pages(void (*how)()) { pages_return = how; }

size_t bytes_in_use() { return lists.in_use; }

} // namespace ringway::ring::memory
