#include "http/splice.h"

#include <algorithm>

namespace ringway::http {
namespace {

/// In order: `keep(slice, offset, size)` for each part that stays, `put(text)` for each other.
template <class Keep, class Put>
void visit_pieces(const ring::SliceQueue& body, std::span<const Edit> edits, Keep&& keep,
                  Put&& put) {
    auto edit = edits.begin();
    uint64_t at = 0;         // offset in the body of what is looked at
    uint64_t removed_to = 0; // bytes before this offset are replaced
    body.for_each([&](const ring::Slice& slice) {
        const uint64_t end = at + slice.size();
        const uint64_t begin = at;
        while (at < end) {
            if (at < removed_to) {
                at = std::min(removed_to, end);
                continue;
            }
            if (edit != edits.end() && edit->offset == at) {
                if (!edit->text.empty()) put(edit->text);
                removed_to = at + edit->removed;
                ++edit;
                continue;
            }
            const uint64_t stop = edit != edits.end() ? std::min(edit->offset, end) : end;
            keep(slice, at - begin, stop - at);
            at = stop;
        }
        return true;
    });
    for (; edit != edits.end(); ++edit) {
        if (!edit->text.empty()) put(edit->text);
    }
}

} // namespace

int64_t length_change(std::span<const Edit> edits) {
    int64_t change = 0;
    for (const Edit& edit : edits) {
        change += static_cast<int64_t>(edit.text.size()) - static_cast<int64_t>(edit.removed);
    }
    return change;
}

void splice(const ring::SliceQueue& body, std::span<const Edit> edits, ring::BlockPool& blocks,
            ring::SliceQueue& to) {
    visit_pieces(
        body, edits,
        [&](const ring::Slice& slice, size_t offset, size_t size) {
            to.push_back(slice.part(offset, size));
        },
        [&](Bytes text) { to.push_back(blocks.copy(text)); });
}

void splice(const ring::SliceQueue& body, std::span<const Edit> edits, HeadWriter& to) {
    visit_pieces(
        body, edits,
        [&](const ring::Slice& slice, size_t offset, size_t size) {
            to.text({slice.data() + offset, size});
        },
        [&](Bytes text) { to.text(text); });
}

} // namespace ringway::http
