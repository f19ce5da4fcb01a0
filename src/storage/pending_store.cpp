// PendingStore: forwards to the real store once its file exists.
#include "pending_store.hpp"

#include <atomic>
#include <optional>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"

namespace ledge::storage {
namespace {

class PendingStore final : public Store, private journal::StoreReader {
public:
    PendingStore(OpenStoreFile open, StartState start_state) : open_(std::move(open)), start_state_(start_state) {}

    Result<journal::StoreImage, Error> load() override { return journal::StoreImage{}; }

    Result<CommitReport, Error> commit(const journal::Batch& batch) override {
        // A full disk is the expected error here: nothing has changed, and the next commit tries again.
        if (made_ == nullptr && !poison_) {
            auto opened = open_();
            if (opened) {
                made_ = std::move(*opened);
                is_made_.store(true, std::memory_order_release);
            } else if (may_retry(opened.error())) {
                return Failure{opened.error()};
            } else {
                poison_ = opened.error();
            }
        }
        if (poison_) return Failure{*poison_};
        LEDGE_ASSERT(made_ != nullptr);
        return made_->commit(batch);
    }

    journal::StoreReader& reader() override { return *this; }

    double used_fraction() const override { return made_ == nullptr ? 0 : made_->used_fraction(); }
    StoreRoom room() const override { return made_ == nullptr ? StoreRoom{} : made_->room(); }

    StartState start_state() const override { return start_state_; }

    void close(Instant now) override {
        if (made_ != nullptr) made_->close(now);
    }

private:
    void queued(SessionNumber session, QueueRow from, std::size_t rows_max, std::size_t bytes_max,
                std::vector<journal::StoredDelivery>& out) override {
        if (journal::StoreReader* made = made_reader()) made->queued(session, from, rows_max, bytes_max, out);
    }
    bool retained(std::uint64_t number, std::vector<Byte>& out) override {
        journal::StoreReader* made = made_reader();
        return made != nullptr && made->retained(number, out);
    }
    bool message(MessageNumber number, std::vector<Byte>& out) override {
        journal::StoreReader* made = made_reader();
        return made != nullptr && made->message(number, out);
    }

    /// The reader of the real store, on the reader's thread. nullptr = nothing was committed yet, so no row can be
    /// found.
    journal::StoreReader* made_reader() {
        return is_made_.load(std::memory_order_acquire) ? &made_->reader() : nullptr;
    }

    OpenStoreFile open_;
    StartState start_state_;
    // The committer's thread sets made_. The reader's thread may use it once is_made_ is true.
    std::unique_ptr<Store> made_;
    std::atomic<bool> is_made_ = false;
    std::optional<Error> poison_;
};

}  // namespace

std::unique_ptr<Store> make_pending_store(OpenStoreFile open, StartState start_state) {
    LEDGE_ASSERT(open);
    return std::make_unique<PendingStore>(std::move(open), start_state);
}

}  // namespace ledge::storage
