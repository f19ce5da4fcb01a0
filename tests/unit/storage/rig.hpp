// What the tests of storage share: a directory that goes away, batches by hand and by chance, images as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/storage/lmdb_store.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage::test {

/// A fresh directory of the machine's temporary ones, removed with all that is in it.
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::string& path() const { return path_; }
    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
    /// Names in it, sorted.
    std::vector<std::string> names() const;

private:
    std::string path_;
};

/// Keeps what is logged, a line each.
class LogLines {
public:
    Log log() { return Log(LogLevel::debug, take, this); }
    bool has(std::string_view words) const;
    const std::vector<std::string>& lines() const { return lines_; }

private:
    static void take(void* self, const LogRecord& record);
    std::vector<std::string> lines_;
};

std::vector<Byte> publication(std::string_view topic, std::string_view payload, Instant expires_at = never);
std::vector<Byte> queued(std::uint64_t message, std::uint32_t bytes, std::uint16_t packet_id = 0,
                         journal::OutState state = journal::OutState::done);
std::vector<Byte> session_record(std::string_view client_id);
std::vector<Byte> subscription(std::string_view filter);

/// Records in the order of the calls.
class Writer {
public:
    Writer& put(journal::RecordKind kind, std::uint64_t session, std::uint64_t number,
                const std::vector<Byte>& body = {});
    Writer& drop(journal::RecordKind kind, std::uint64_t session, std::uint64_t number);
    /// The batch; the next one gets later tickets and a later time.
    journal::Batch take();

    std::uint64_t next_number = 1;  // given to the batch
    Instant now{};

private:
    journal::Batch batch_;
    Ticket last_ = no_ticket;
};

/// Batches as a core would make them, by chance: sessions come and go, messages are queued for several of them and
/// removed, retained ones change.
class RandomWork {
public:
    explicit RandomWork(std::uint64_t seed) : rng_(seed) {}
    journal::Batch batch(std::size_t steps);

private:
    struct Queued {
        std::uint64_t session;
        std::uint64_t number;
        std::uint64_t message;
    };

    void step();
    void add_session();
    void end_session();
    void publish();
    void acknowledge();
    void retain();
    void receive();
    void drop_row(std::size_t index);
    std::string text(std::size_t size_max);

    Rng rng_;
    Writer writer_;
    std::uint64_t numbers_ = 1;
    std::vector<std::uint64_t> sessions_;
    std::vector<Queued> queued_;
    std::vector<std::uint64_t> retained_;
};

/// Everything in the image, sorted, readable: equal texts are equal images. Without `now`.
std::string to_text(const journal::StoreImage& image);
/// The same and all payloads, through the reader.
std::string to_text(Store& store);

LmdbStoreOptions options_for(const TempDir& dir);
/// Requires that it can be opened.
std::unique_ptr<Store> open(const TempDir& dir, const Log& log = {});
journal::StoreImage load(Store& store);

}  // namespace ledge::storage::test
