#include "cast.hpp"

#include <algorithm>

#include "publisher.hpp"
#include "subscriber.hpp"

namespace ledge::crash {
namespace {

constexpr unsigned topics_per_publisher = 2;
constexpr unsigned retained_per_publisher = 4;

std::string at(const char* root, unsigned publisher, unsigned topic, QoS qos) {
    return std::string(root) + "/" + std::to_string(publisher) + "/" + std::to_string(topic) + "/" +
           std::to_string(static_cast<int>(qos));
}

// "data/0/1/2" against "data/#", "data/+/0/+": enough for the filters below.
bool matches(std::string_view filter, std::string_view topic) {
    while (!filter.empty()) {
        if (filter == "#") return true;
        const auto f = filter.substr(0, filter.find('/'));
        const auto t = topic.substr(0, topic.find('/'));
        if (f != "+" && f != t) return false;
        filter.remove_prefix(std::min(filter.size(), f.size() + 1));
        topic.remove_prefix(std::min(topic.size(), t.size() + 1));
    }
    return topic.empty();
}

}  // namespace

Cast::Cast(Stage& stage, const std::vector<Level>& levels, bool has_copies) : stage_(stage) {
    for (unsigned n = 0; n < levels.size(); ++n)
        add_publisher(n, n % 2 == 0 ? wire::Version::v5 : wire::Version::v3_1_1, levels[n]);
    add_subscribers(has_copies);
    add_group();
    add_bystanders();
}

void Cast::add_publisher(unsigned number, wire::Version version, Level level) {
    std::vector<StreamId> streams;
    for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
        for (unsigned topic = 0; topic < topics_per_publisher; ++topic) {
            data_.push_back(stage_.ledger.add_stream({at("data", number, topic, qos), qos, false, level}));
            streams.insert(streams.end(), 2, data_.back());  // twice as often as a retained one
        }
        for (unsigned topic = 0; topic < retained_per_publisher; ++topic) {
            retained_.push_back(stage_.ledger.add_stream({at("retained", number, topic, qos), qos, true, level}));
            streams.push_back(retained_.back());
        }
    }
    ClientOptions options{.client_id = "publisher-" + std::to_string(number), .version = version};
    stage_.clients.push_back(std::make_unique<Publisher>(stage_, std::move(options), std::move(streams)));
}

Account& Cast::add_account(std::string name, bool is_ordered) {
    accounts_.push_back(std::make_unique<Account>(std::move(name), is_ordered));
    return *accounts_.back();
}

void Cast::add_subscribers(bool has_copies) {
    constexpr QoS q1 = QoS::at_least_once;
    constexpr QoS q2 = QoS::exactly_once;
    constexpr auto v3 = wire::Version::v3_1_1;
    constexpr auto v5 = wire::Version::v5;
    struct Role {
        const char* name;
        wire::Version version;
        Habit habit;
        std::vector<FilterWish> filters;
        std::uint16_t receive_maximum = 0;
    };
    const Role roles[] = {
        {"online", v5, Habit::online, {{"data/#", q2}}},
        {"online-1", v3, Habit::online, {{"data/+/0/+", q1}}},
        {"offline", v5, Habit::offline, {{"data/#", q2}}},
        {"offline-1", v3, Habit::offline, {{"data/+/1/+", q1}}},
        {"flapping", v5, Habit::flapping, {{"data/#", q2}}},
        {"flapping-3", v3, Habit::flapping, {{"data/1/#", q2}, {"data/2/#", q1}}},
        {"slow", v5, Habit::slow, {{"data/#", q2}}, 10},
        {"overlapping", v5, Habit::online, {{"data/#", q1}, {"data/0/+/+", q2}, {"data/+/1/+", q2}}},
        {"newborn", v5, Habit::newborn, {{"data/#", q2}}},
    };
    for (const Role& role : roles) {
        if (has_copies && role.name == std::string_view("overlapping")) continue;
        std::map<StreamId, QoS> granted;
        for (const StreamId id : data_) {
            for (const FilterWish& wish : role.filters) {
                if (!matches(wish.filter, stage_.ledger.stream(id).topic)) continue;
                granted[id] = std::max(granted[id], wish.qos);
            }
        }
        ClientOptions options{.client_id = role.name, .version = role.version, .receive_maximum = role.receive_maximum};
        stage_.clients.push_back(std::make_unique<Subscriber>(stage_, std::move(options), role.habit, role.filters,
                                                              std::move(granted), add_account(role.name)));
    }
}

// A shared subscription owes each message to one of its members: one account for both, and no order between them.
void Cast::add_group() {
    Account& account = add_account("group", false);
    std::map<StreamId, QoS> granted;
    for (const StreamId id : data_) granted[id] = QoS::exactly_once;
    const std::vector<FilterWish> filters = {{"$share/group/data/#", QoS::exactly_once}};
    for (const auto& [name, habit] : {std::pair{"member-1", Habit::online}, std::pair{"member-2", Habit::flapping}}) {
        stage_.clients.push_back(
            std::make_unique<Subscriber>(stage_, ClientOptions{.client_id = name}, habit, filters, granted, account));
    }
}

void Cast::add_bystanders() {
    auto reader = std::make_unique<RetainedReader>(stage_, "retained-reader", retained_);
    retained_reader_ = reader.get();
    stage_.clients.push_back(std::move(reader));
    std::vector<const WillOwner*> owners;
    for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
        auto owner = std::make_unique<WillOwner>(stage_, "will-" + std::to_string(static_cast<int>(qos)), qos);
        owners.push_back(owner.get());
        stage_.clients.push_back(std::move(owner));
    }
    auto will_reader = std::make_unique<WillReader>(stage_, "will-reader", std::move(owners));
    will_reader_ = will_reader.get();
    stage_.clients.push_back(std::move(will_reader));
    stage_.clients.push_back(std::make_unique<Pulse>(stage_, "pulse"));
}

bool Cast::is_settled() const {
    return std::all_of(stage_.clients.begin(), stage_.clients.end(), [](const auto& c) { return c->is_settled(); });
}

std::vector<std::string> Cast::unsettled() const {
    std::vector<std::string> sentences;
    for (const auto& client : stage_.clients) {
        if (client->is_settled()) continue;
        std::string sentence = client->unsettled();
        if (!sentence.empty()) sentences.push_back(std::move(sentence));
    }
    return sentences;
}

void Cast::read_retained() { retained_reader_->read_again(); }

void Cast::close_books() {
    for (const std::string& sentence : unsettled()) stage_.ledger.broken(Count::stuck, sentence);
    for (const auto& account : accounts_) stage_.ledger.close_books(*account);
    retained_reader_->close_books();
    will_reader_->close_books();
    stage_.ledger.next_round();
    ++stage_.round;
    for (const auto& client : stage_.clients) client->begin_round();
}

}  // namespace ledge::crash
