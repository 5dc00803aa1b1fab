#pragma once

#include "base/assert.h"
#include "base/bytes.h"

namespace ringway::base {

/// A text of bounded length that lives in place.
template <size_t bytes_max>
class FixedText {
public:
    static_assert(bytes_max < 65536);

    FixedText() = default;
    void assign(Bytes text) {
        RINGWAY_ASSERT(text.size() <= bytes_max);
        text.copy(text_, text.size());
        size_ = static_cast<unsigned short>(text.size());
    }
    void append(Bytes text) {
        RINGWAY_ASSERT(size_ + text.size() <= bytes_max);
        text.copy(text_ + size_, text.size());
        size_ = static_cast<unsigned short>(size_ + text.size());
    }
    Bytes view() const { return {text_, size_}; }
    bool empty() const { return size_ == 0; }

private:
    unsigned short size_ = 0;
    char text_[bytes_max];
};

} // namespace ringway::base
