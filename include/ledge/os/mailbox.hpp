// Mailbox: brings values from other threads to the thread of a loop. A sender may live longer than the mailbox: what is
// sent then is dropped.
//
//     any thread   Sender::send ──► mail ──(first one: post)──► loop's thread   receive, once for each value
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace ledge::os {

/// Makes a loop call the function on its own thread, soon. Any thread may post. The function is dropped uncalled when
/// the loop ends first.
using Post = std::function<void(std::function<void()>)>;

template <class T>
class Mailbox {
    struct Shared {
        std::mutex mutex;     // guards `post` and `mail`
        Post post;            // empty: the mailbox is closed
        std::vector<T> mail;  // not yet received; the caller limits how much is under way
        bool is_open = true;  // for the loop's thread only
        std::function<void(T)> receive;
    };

public:
    /// Any thread. Copies send to the same mailbox.
    class Sender {
    public:
        void send(T value) const {
            const std::lock_guard lock(shared_->mutex);
            if (!shared_->post) return;
            shared_->mail.push_back(std::move(value));
            // One call delivers everything that has come until it runs, so later values need no call of their own.
            if (shared_->mail.size() == 1) shared_->post([shared = shared_] { deliver(shared); });
        }

    private:
        friend class Mailbox;
        explicit Sender(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
        std::shared_ptr<Shared> shared_;
    };

    /// `receive` is called on the loop's thread, in the order in which values were sent. It may destroy the mailbox.
    Mailbox(Post post, std::function<void(T)> receive) : shared_(std::make_shared<Shared>()) {
        shared_->post = std::move(post);
        shared_->receive = std::move(receive);
    }
    /// On the loop's thread. `receive` is not called any more.
    ~Mailbox() {
        std::vector<T> dropped;  // destroyed after the lock is released: a value's destructor may do anything
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
            if (!shared->is_open) return;
            shared->receive(std::move(value));
        }
    }

    std::shared_ptr<Shared> shared_;  // with the senders and the calls that are posted
};

}  // namespace ledge::os
