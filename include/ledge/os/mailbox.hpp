// Mailbox: brings values from other threads to the thread of a loop. The loop's thread owns the mailbox. A sender may
// live longer than the mailbox; a value that is sent after the mailbox's end is dropped.
//
//     any thread:  Sender::send ──► mail ──(the first value posts a call)──► loop's thread:  receive, once per value
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace ledge::os {

/// A way to make a loop call a function on the loop's own thread, soon. Any thread may post. If the loop ends first,
/// the function is destroyed without being called.
using Post = std::function<void(std::function<void()>)>;

template <class T>
class Mailbox {
    struct Shared {
        std::mutex mutex;     // guards `post` and `mail`
        Post post;            // empty after the mailbox's end
        std::vector<T> mail;  // sent and not yet received; the caller limits how many values are under way
        bool is_open = true;  // only the loop's thread reads and writes this flag
        std::function<void(T)> receive;
    };

public:
    /// Any thread may use a sender. A copy sends to the same mailbox.
    class Sender {
    public:
        void send(T value) const {
            const std::lock_guard lock(shared_->mutex);
            if (!shared_->post) return;
            shared_->mail.push_back(std::move(value));
            // One posted call delivers every value that was sent before the call runs, so later values post nothing.
            if (shared_->mail.size() == 1) shared_->post([shared = shared_] { deliver(shared); });
        }

    private:
        friend class Mailbox;
        explicit Sender(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
        std::shared_ptr<Shared> shared_;
    };

    /// `receive` is called on the loop's thread, in the order in which values were sent. The callback may destroy the
    /// mailbox.
    Mailbox(Post post, std::function<void(T)> receive) : shared_(std::make_shared<Shared>()) {
        shared_->post = std::move(post);
        shared_->receive = std::move(receive);
    }
    /// On the loop's thread. `receive` is not called afterwards.
    ~Mailbox() {
        // Declared before the lock, so destroyed after the lock is released: a value's destructor may call send().
        std::vector<T> dropped;
        shared_->is_open = false;
        const std::lock_guard lock(shared_->mutex);
        shared_->post = nullptr;
        dropped.swap(shared_->mail);
    }
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    Sender sender() const { return Sender(shared_); }

private:
    static void deliver(const std::shared_ptr<Shared>& shared) {
        std::vector<T> mail;
        {
            const std::lock_guard lock(shared->mutex);
            mail.swap(shared->mail);
        }
        for (T& value : mail) {
            if (!shared->is_open) return;  // the previous value's callback has destroyed the mailbox
            shared->receive(std::move(value));
        }
    }

    std::shared_ptr<Shared> shared_;  // shared with the senders and with the posted calls
};

}  // namespace ledge::os
