// store_fuzz: input := rows:u8 row* script: a store that holds anything, a shard that starts from it, and clients that
// come then (the script is one of shard_fuzz). No byte that is read from a store may be more than input.
//
//   row := table:u8 session:u8 number:u8 content
//   content: of `raw` any bytes; of a record its fields, each of which may be what no broker writes
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/memory_store.hpp"
#include "require.hpp"
#include "shard_script.hpp"

namespace ledge::fuzz {
namespace {

using journal::RecordKind;

constexpr std::string_view stored_client_ids[] = {"one", "two", "three", "", "\xFF"};
constexpr std::string_view stored_topics[] = {"a", "a/b", "/", "$SYS/x", "a/+", "#", "", "\xC3"};
constexpr std::string_view stored_filters[] = {"a", "a/b", "a/#", "#", "+", "$share/g/a/#", "$share//a", "#/a", ""};
constexpr std::string_view properties[] = {"",         "\x01\x01", "\x0B\x05", "\x0B",
                                           "\x7F\x01", "\x08\x00", "\x26",     "\x23\x01"};
constexpr std::uint64_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 65'535, 65'536, 1ULL << 32U, 1ULL << 62U, ~0ULL};
constexpr std::int64_t instants[] = {0, 1, 3'600'000'000, 4'000'000'000, -1, 1LL << 61, (1LL << 61) + 1};

template <class T, std::size_t size>
T one_of(Input& input, const T (&list)[size]) {
    return list[input.below(size)];
}

class Rows {
public:
    explicit Rows(Input& input) : input_(input) {}

    journal::Batch batch() {
        for (unsigned rows = input_.below(64); rows > 0 && !input_.empty(); --rows) add_row();
        batch_.next_number = 1 + input_.below(10);
        batch_.now = Instant(1h);
        return std::move(batch_);
    }

private:
    void add_row() {
        const unsigned choice = input_.below(12);
        const std::uint64_t session = one_of(input_, numbers);
        const std::uint64_t number = one_of(input_, numbers);
        switch (choice) {
            case 0:
            case 1: return add(RecordKind::session, session, 0, session_record());
            case 2:
            case 3: return add(RecordKind::subscription, session, number, subscription());
            case 4: return add(RecordKind::received, session, number, {});
            case 5:
            case 6: return add(RecordKind::queued, session, number, queued());
            case 7:
            case 8: return add(RecordKind::message, 0, number, publication());
            case 9: return add(RecordKind::retained, 0, number, publication());
            default: return add(raw_kind(), session, number, input_.bytes(input_.byte()));
        }
    }

    RecordKind raw_kind() {
        constexpr RecordKind kinds[] = {RecordKind::session, RecordKind::subscription, RecordKind::queued,
                                        RecordKind::message, RecordKind::retained,     RecordKind::received};
        return one_of(input_, kinds);
    }

    void add(RecordKind kind, std::uint64_t session, std::uint64_t number, const std::vector<Byte>& body) {
        const auto offset = static_cast<std::uint32_t>(batch_.bodies.size());
        batch_.bodies.insert(batch_.bodies.end(), body.begin(), body.end());
        batch_.records.push_back({kind, journal::Change::put, offset, static_cast<std::uint32_t>(body.size()),
                                  SessionNumber(session), number});
        ++batch_.last;
    }

    static std::vector<Byte> bytes_of(const Blob& blob) { return {blob.bytes().begin(), blob.bytes().end()}; }

    Instant instant() {
        const unsigned choice = input_.below(8);
        return choice < std::size(instants) ? Instant(Duration(instants[choice])) : never;
    }

    journal::PublicationView view() {
        journal::PublicationView view;
        view.topic = one_of(input_, stored_topics);
        view.properties = as_bytes(one_of(input_, properties));
        view.expires_at = instant();
        view.qos = static_cast<wire::QoS>(input_.below(3));
        view.retain = input_.below(2) != 0;
        view.payload = as_bytes("payload");
        return view;
    }

    std::vector<Byte> publication() {
        std::vector<Byte> body;
        journal::append_publication(view(), body);
        return body;
    }

    std::vector<Byte> session_record() {
        journal::SessionRecord record;
        record.client_id = one_of(input_, stored_client_ids);
        record.expiry_interval_s = input_.byte();
        record.expires_at = instant();
        const unsigned flags = input_.below(16);
        record.is_ended = (flags & 1U) != 0 && (flags & 8U) != 0;
        record.is_incomplete = (flags & 2U) != 0;
        if ((flags & 4U) != 0) {
            journal::StoredWill will;
            will.publication = journal::Publication(view());
            will.delay_s = input_.byte();
            record.will = std::move(will);
        }
        return bytes_of(journal::encode(record));
    }

    std::vector<Byte> subscription() {
        journal::SubscriptionRecord record;
        record.filter = one_of(input_, stored_filters);
        record.options.qos = static_cast<wire::QoS>(input_.below(3));
        record.subscription_id = static_cast<std::uint32_t>(one_of(input_, numbers));
        return bytes_of(journal::encode(record));
    }

    std::vector<Byte> queued() {
        journal::QueuedRecord record;
        record.message = MessageNumber(one_of(input_, numbers));
        record.bytes = input_.below(4) != 0 ? 8 : input_.u16();  // of "a" and "payload"
        record.share_subscription = input_.below(4);
        record.state = static_cast<journal::OutState>(input_.below(4));
        record.packet_id = input_.below(4) != 0 ? static_cast<wire::PacketId>(input_.below(8)) : input_.u16();
        record.qos = static_cast<wire::QoS>(input_.below(3));
        record.ids = as_bytes(one_of(input_, properties));
        record.queued_s = input_.below(3);
        return bytes_of(journal::encode(record));
    }

    Input& input_;
    journal::Batch batch_;
};

}  // namespace
}  // namespace ledge::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ledge::fuzz;
    ledge::storage::MemoryStore store;
    Input input(data, size);
    const auto committed = store.commit(Rows(input).batch());
    require(committed.ok(), "a store in memory takes what it is given");
    for (int start = 0; start < 2; ++start) {  // the second one finds what the first has made of the store
        ShardStage stage(store);
        ShardScript script(stage, input);
        for (unsigned operations = 0; operations < 100 && script.perform_next(); ++operations) {
        }
        stage.advance(std::chrono::seconds(5));
    }
    return 0;
}
