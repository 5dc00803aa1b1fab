#include "http/splice.h"

#include <algorithm>

namespace ringway::http {

int64_t length_change(std::span<const Edit> edits) {
    int64_t change = 0;
    for (const Edit& edit : edits) {
        change += static_cast<int64_t>(edit.text.size()) - static_cast<int64_t>(edit.removed);
    }
    return change;
}

void splice(const ring::SliceQueue& body, std::span<const Edit> edits, ring::BlockPool& blocks,
            ring::SliceQueue& to) {
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
                if (!edit->text.empty()) to.push_back(blocks.copy(edit->text));
                removed_to = at + edit->removed;
                ++edit;
                continue;
            }
            const uint64_t stop = edit != edits.end() ? std::min(edit->offset, end) : end;
            to.push_back(slice.part(at - begin, stop - at));
            at = stop;
        }
        return true;
    });
    for (; edit != edits.end(); ++edit) {
        if (!edit->text.empty()) to.push_back(blocks.copy(edit->text));
    }
}

} // namespace ringway::http
