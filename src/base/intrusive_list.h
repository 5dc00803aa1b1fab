#pragma once

#include "base/assert.h"

namespace ringway::base {

/// A hook by which an object stands in at most one IntrusiveList<T, Tag>; it leaves the list when
/// destroyed. Derive from `ListHook<Tag>`; the tag tells hooks of one object apart.
template <class Tag>
class ListHook {
public:
    ListHook() = default;
    ListHook(const ListHook&) = delete;
    ListHook& operator=(const ListHook&) = delete;
    ~ListHook() { unlink(); }

    bool is_linked() const { return next_ != nullptr; }
    void unlink() {
        if (next_ == nullptr) return;
        prev_->next_ = next_;
        next_->prev_ = prev_;
        next_ = prev_ = nullptr;
    }

private:
    template <class, class>
    friend class IntrusiveList;
    ListHook* next_ = nullptr;
    ListHook* prev_ = nullptr;
};

/// A doubly linked list of objects that carry their own hook: no allocation, O(1) removal.
/// The list does not own its members.
template <class T, class Tag>
class IntrusiveList {
public:
    IntrusiveList() { head_.next_ = head_.prev_ = &head_; }
    ~IntrusiveList() {
        while (!empty()) front().ListHook<Tag>::unlink();
        head_.next_ = head_.prev_ = nullptr;
    }
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;

    bool empty() const { return head_.next_ == &head_; }
    T& front() {
        RINGWAY_ASSERT(!empty());
        return static_cast<T&>(*head_.next_);
    }
    T& back() {
        RINGWAY_ASSERT(!empty());
        return static_cast<T&>(*head_.prev_);
    }
    void push_back(T& item) {
        ListHook<Tag>& hook = item;
        RINGWAY_ASSERT(!hook.is_linked());
        hook.prev_ = head_.prev_;
        hook.next_ = &head_;
        head_.prev_->next_ = &hook;
        head_.prev_ = &hook;
    }
    T& pop_front() {
        T& item = front();
        static_cast<ListHook<Tag>&>(item).unlink();
        return item;
    }
    /// Moves all members of `other` to the end of this list.
    void splice_back(IntrusiveList& other) {
        if (other.empty()) return;
        other.head_.next_->prev_ = head_.prev_;
        head_.prev_->next_ = other.head_.next_;
        other.head_.prev_->next_ = &head_;
        head_.prev_ = other.head_.prev_;
        other.head_.next_ = other.head_.prev_ = &other.head_;
    }
    template <class F>
    void for_each(F&& visit) {
        for (auto* at = head_.next_; at != &head_;) {
            auto* next = at->next_;
            visit(static_cast<T&>(*at));
            at = next;
        }
    }

private:
    ListHook<Tag> head_;
};

} // namespace ringway::base
