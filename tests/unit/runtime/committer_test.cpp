// The loop with a store behind it, on real sockets: what a restart finds, what a failure does.
#include "committer.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>

#include "ledge/auth/text_file.hpp"
#include "ledge/base/log_events.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/memory_store.hpp"

namespace ledge::runtime {
namespace {

constexpr int turns_max = 1000;  // of 10 ms each at most

std::string bytes(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) text.push_back(static_cast<char>(value));
    return text;
}

// Version 5, clean start off, session expiry 1000 s, client id "ab"
const std::string connect =
    bytes({0x10, 20, 0, 4, 'M', 'Q', 'T', 'T', 5, 0, 0, 0, 5, 17, 0, 0, 3, 0xE8, 0, 2, 'a', 'b'});
const std::string connect_other = bytes({0x10, 15, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0, 2, 'x', 'y'});
const std::string subscribe_x = bytes({0x82, 7, 0, 1, 0, 0, 1, 'x', 1});
const std::string publish_x = bytes({0x32, 8, 0, 1, 'x', 0, 9, 0, 'h', 'i'});
const std::string puback = bytes({0x40, 2, 0, 9});
const std::string puback_no_subscribers = bytes({0x40, 3, 0, 9, 0x10});

/// A MemoryStore that outlives the loop that owns its seat.
class Seat final : public storage::Store {
public:
    explicit Seat(storage::MemoryStore& store) : store_(store) {}
    Result<journal::StoreImage, Error> load() override { return store_.load(); }
    Result<storage::CommitReport, Error> commit(const journal::Batch& batch) override { return store_.commit(batch); }
    journal::StoreReader& reader() override { return store_.reader(); }
    double used_fraction() const override { return store_.used_fraction(); }
    void close(Instant now) override { store_.close(now); }

private:
    storage::MemoryStore& store_;
};

const Log silent;

std::unique_ptr<BrokerLoop> make(storage::MemoryStore& store) {
    BrokerLoopOptions options;
    options.handles_signals = false;
    options.shard.sys_interval = Duration(0);
    options.shard.durability.journal.is_enabled = true;
    broker::ListenerOptions listener;
    listener.allow_anonymous = true;
    options.shard.listeners.push_back(listener);
    transport::Endpoint endpoint;
    endpoint.port = 0;
    options.endpoints.push_back(endpoint);
    auto loop = BrokerLoop::create(std::move(options), silent, std::make_unique<Seat>(store));
    REQUIRE(loop.ok());
    return std::move(*loop);
}

class Client {
public:
    explicit Client(BrokerLoop& loop) : loop_(loop), descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const std::string address = loop.addresses().at(0);
        sockaddr_in peer{};
        peer.sin_family = AF_INET;
        peer.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
        peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(descriptor_); }

    void send(const std::string& text) {
        REQUIRE(::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }

    /// Turns the loop until `words` have come, or the connection ends; what has come.
    std::string await(const std::string& words) {
        for (int i = 0; i < turns_max && heard_.find(words) == std::string::npos && !is_over_; ++i) {
            loop_.turn(10ms);
            char buffer[4096];
            const ssize_t size = ::recv(descriptor_, buffer, sizeof buffer, MSG_DONTWAIT);
            if (size > 0) heard_.append(buffer, static_cast<std::size_t>(size));
            is_over_ = size == 0 || (size < 0 && errno != EAGAIN);
        }
        return heard_;
    }
    bool gets(const std::string& words) { return await(words).find(words) != std::string::npos; }
    bool is_over() const { return is_over_; }

private:
    BrokerLoop& loop_;
    int descriptor_;
    std::string heard_;
    bool is_over_ = false;
};

void stop(BrokerLoop& loop) {
    loop.stop();
    for (int i = 0; i < turns_max && loop.turn(10ms); ++i) {
    }
}

TEST_CASE("a session and its messages are there after a restart, and time goes on") {
    storage::MemoryStore store;
    {
        auto loop = make(store);
        Client meter(*loop);
        meter.send(connect);
        REQUIRE(meter.gets(bytes({0x20})));
        meter.send(subscribe_x);
        REQUIRE(meter.gets(bytes({0x90})));
        stop(*loop);
        CHECK(loop->shard().metrics().store.commits > 0);
    }
    const Instant stopped = store.load()->now;
    {
        auto loop = make(store);
        Client other(*loop);
        other.send(connect_other + publish_x);
        CHECK(other.gets(puback));
        CHECK(store.load()->sessions.at(0).queued == 1);  // acknowledged: committed
        stop(*loop);
    }
    CHECK(store.load()->now > stopped);
    auto loop = make(store);
    Client meter(*loop);
    meter.send(connect);
    CHECK(meter.gets("hi"));
    stop(*loop);
}

TEST_CASE("a commit that fails: no acknowledgement, and the loop goes on") {
    storage::MemoryStore store;
    auto loop = make(store);
    Client meter(*loop);
    meter.send(connect);
    REQUIRE(meter.gets(bytes({0x20})));
    meter.send(subscribe_x);
    REQUIRE(meter.gets(bytes({0x90})));
    store.fail_from(1, {storage::Fault::io, "broken"});
    Client other(*loop);
    other.send(connect_other + publish_x);
    const std::string heard = other.await(puback);
    CHECK(heard.find(puback) == std::string::npos);
    CHECK(heard.find(puback_no_subscribers) == std::string::npos);
    Client third(*loop);
    third.send(connect_other);
    CHECK(third.gets(bytes({0x20})));
    stop(*loop);
}

// ---------------------------------------------------------------------------------------------------------------------
// The committer alone, in virtual time: the loop is turned by hand until the thread has reported.

/// A disk whose answers are ordered. A commit waits until it is let go.
class OrderedStore final : public storage::Store {
public:
    Result<journal::StoreImage, Error> load() override { return memory_.load(); }
    Result<storage::CommitReport, Error> commit(const journal::Batch& batch) override {
        ++tries;
        std::unique_lock lock(mutex_);
        let_go_.wait(lock, [this] { return !is_held_; });
        if (has_room) return memory_.commit(batch);
        return Failure{Error{storage::Fault::full, "disk: No space left on device"}};
    }
    journal::StoreReader& reader() override { return memory_.reader(); }
    double used_fraction() const override { return memory_.used_fraction(); }
    std::size_t rows() const { return memory_.rows(); }
    void set_used_fraction(double fraction) { memory_.set_used_fraction(fraction); }
    void close(Instant now) override { memory_.close(now); }
    void hold(bool is_held) {
        {
            const std::lock_guard lock(mutex_);
            is_held_ = is_held;
        }
        let_go_.notify_all();
    }

    std::atomic<bool> has_room = true;
    std::atomic<int> tries = 0;

private:
    storage::MemoryStore memory_;
    std::mutex mutex_;
    std::condition_variable let_go_;
    bool is_held_ = false;
};

struct Lines {
    static void take(void* self, const LogRecord& record) {
        CHECK(mismatch_with_table(record).empty());
        static_cast<Lines*>(self)->events.emplace_back(record.event);
    }
    long count(std::string_view event) const { return std::count(events.begin(), events.end(), event); }
    std::vector<std::string> events;
};

struct Desk {
    explicit Desk(CommitterOptions options = {}) {
        auto made = std::make_unique<OrderedStore>();
        store = made.get();
        committer = std::make_unique<Committer>(io, std::move(made), options, log);
        REQUIRE(!committer->start());
    }
    static broker::ShardOptions shard_options() {
        broker::ShardOptions options;
        options.sys_interval = Duration(0);
        options.durability.journal.is_enabled = true;
        options.listeners.emplace_back().allow_anonymous = true;
        return options;
    }
    /// Something to write: a persistent session.
    void adds_session(char last_of_client_id = 'b') {
        std::string asks = connect;
        asks.back() = last_of_client_id;
        broker::Peer peer;
        session::Connection* connection = shard.open(peer, nullptr, now);
        REQUIRE(connection != nullptr);
        shard.on_bytes(*connection, as_bytes(asks), now);
        CHECK_FALSE(shard.wants_commit(now));  // its record is not urgent
        now += shard_options().durability.journal.lazy_interval;
    }
    /// A commit has found no room.
    void fails_for_room() {
        store->has_room = false;
        adds_session();
        serves();
        serves_report();
        CHECK(broker::store_state(shard.metrics()) == "postponed");
    }
    void serves() { committer->serve(shard, now); }
    void serves_report() {
        io.run_one();
        serves();
    }

    Lines lines;
    Log log{LogLevel::debug, Lines::take, &lines};
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_open{io.get_executor()};
    Instant now{1h};
    broker::Shard shard{shard_options(), log, 1, now};
    OrderedStore* store = nullptr;
    std::unique_ptr<Committer> committer;
};

TEST_CASE("a commit without room is tried again with growing pauses, and its end is told with its length") {
    Desk desk;
    desk.fails_for_room();
    CHECK(desk.shard.metrics().store.waiting_reason == "disk: No space left on device");
    std::vector<Duration> pauses;
    for (int i = 0; i < 7; ++i) {
        const Instant next = desk.committer->next_deadline(desk.shard);
        pauses.push_back(next - desk.now);
        desk.now = next - Duration(1);
        desk.serves();
        CHECK(desk.store->tries == i + 1);  // not before its time
        desk.now = next;
        desk.serves();
        desk.serves_report();
    }
    CHECK(pauses == std::vector<Duration>{250ms, 500ms, 1s, 2s, 4s, 5s, 5s});
    CHECK(desk.lines.count("commit_postponed") == 1);
    desk.store->has_room = true;
    desk.now = desk.committer->next_deadline(desk.shard);
    desk.serves();
    desk.serves_report();
    CHECK(desk.lines.count("commit_healed") == 1);
    CHECK(broker::store_state(desk.shard.metrics()) == "ok");
    CHECK(desk.shard.metrics().store.postponements == 1);
    desk.committer->finish(desk.shard, desk.now);
    CHECK(desk.lines.count("store_unfinished") == 0);
}

TEST_CASE("the duration and the size of each commit count, and a commit that failed counts once it has succeeded") {
    Desk desk;
    desk.adds_session('b');
    desk.serves();
    desk.now += 3ms;
    desk.serves_report();
    broker::StoreFigures figures = desk.shard.metrics().store;
    CHECK(figures.commit_us.count() == 1);
    CHECK(figures.commit_us.sum() == 3'000);
    CHECK(figures.commit_records.count() == 1);
    CHECK(figures.commit_records.sum() == 1);
    desk.store->has_room = false;
    desk.adds_session('c');
    desk.serves();
    desk.serves_report();
    CHECK(desk.shard.metrics().store.commit_us.count() == 1);
    desk.store->has_room = true;
    desk.now = desk.committer->next_deadline(desk.shard);  // 250 ms later
    desk.serves();
    desk.serves_report();
    figures = desk.shard.metrics().store;
    CHECK(figures.commit_us.count() == 2);
    CHECK(figures.commit_us.max() == 250'000);
    CHECK(figures.commit_us.quantile(50) == 4'096);
}

TEST_CASE("a stop writes what came behind a batch that had to wait, too") {
    Desk desk;
    desk.fails_for_room();
    desk.adds_session('c');
    desk.store->has_room = true;
    desk.committer->finish(desk.shard, desk.now);
    CHECK(desk.store->rows() == 2);
    CHECK(desk.lines.count("store_unfinished") == 0);
}

TEST_CASE("a store that is short of room is asked for it although nothing is committed any more") {
    Desk desk;
    desk.store->set_used_fraction(0.9);
    desk.adds_session();
    desk.serves();
    desk.serves_report();
    CHECK(broker::store_state(desk.shard.metrics()) == "full");
    desk.serves();
    CHECK(desk.committer->next_deadline(desk.shard) == desk.now + Committer::look_interval);
    desk.now += Committer::look_interval;
    desk.serves();
    CHECK(broker::store_state(desk.shard.metrics()) == "full");
    desk.store->set_used_fraction(0.84);  // less than what made it full, but not by much
    desk.now += Committer::look_interval;
    desk.serves();
    CHECK(broker::store_state(desk.shard.metrics()) == "full");
    desk.store->set_used_fraction(0.1);  // somebody has made room
    desk.now += Committer::look_interval;
    desk.serves();
    CHECK(broker::store_state(desk.shard.metrics()) == "ok");
    CHECK(desk.shard.metrics().store.used_fraction == 0.1);
    CHECK(desk.lines.count("store_has_room") == 1);
    CHECK(desk.committer->next_deadline(desk.shard) == desk.shard.commit_deadline());
    CHECK(desk.store->tries == 1);
    desk.committer->finish(desk.shard, desk.now);
}

TEST_CASE("a commit that takes long is told once, and so is its end") {
    Desk desk;
    desk.store->hold(true);
    desk.adds_session();
    desk.serves();
    CHECK(desk.committer->next_deadline(desk.shard) == desk.now + Committer::slow_commit);
    desk.now += Committer::slow_commit;
    desk.serves();
    CHECK(desk.lines.count("commit_slow") == 1);
    CHECK(broker::store_state(desk.shard.metrics()) == "slow");
    CHECK(desk.committer->next_deadline(desk.shard) == never);
    desk.store->hold(false);
    desk.serves_report();
    CHECK(desk.lines.count("commit_slow_ended") == 1);
    CHECK(broker::store_state(desk.shard.metrics()) == "ok");
    desk.committer->finish(desk.shard, desk.now);
}

TEST_CASE("a stop tries a postponed commit once more and says what is not kept") {
    Desk desk;
    desk.store->has_room = false;
    desk.adds_session();
    desk.serves();
    desk.serves_report();
    desk.committer->finish(desk.shard, desk.now);
    CHECK(desk.lines.count("store_unfinished") == 1);
    CHECK(desk.lines.count("store_abandoned") == 0);
}

TEST_CASE("a stop does not wait for ever for a disk that does not answer") {
    CommitterOptions options;
    options.finish_time_max = Duration(0);
    Desk desk(options);
    OrderedStore* const store = desk.store;
    store->hold(true);
    desk.adds_session();
    desk.serves();
    desk.committer->finish(desk.shard, desk.now);
    CHECK(desk.lines.count("store_abandoned") == 1);
    desk.committer.reset();
    // The thread and its store are left behind on purpose, as a process does that ends.
}

}  // namespace
}  // namespace ledge::runtime
