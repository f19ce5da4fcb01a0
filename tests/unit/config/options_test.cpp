// The table against the structs it fills.
#include "options.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "helpers.hpp"
#include "listener_draft.hpp"

using namespace ledge;
using namespace ledge::config;

namespace {

struct AnyValue {
    template <class T>
    operator T() const {
        return {};
    }
};

/// How many members an aggregate has.
template <class T, class... Values>
constexpr std::size_t count_members() {
    if constexpr (requires { T{Values{}..., AnyValue{}}; }) {
        return count_members<T, Values..., AnyValue>();
    } else {
        return sizeof...(Values);
    }
}

std::size_t rows_of(Scope scope) {
    return static_cast<std::size_t>(
        std::count_if(options().begin(), options().end(), [&](const Option& option) { return option.scope == scope; }));
}

/// A value other than the default, as TOML and as it stands after --set KEY=.
std::string other_value(const Option& option, const Config& config, bool is_toml) {
    const ListenerDraft none;
    const Place place{const_cast<Config*>(&config), const_cast<session::SessionLimits*>(&config.limits),
                      const_cast<ListenerDraft*>(&none)};
    const PlainValue value = option.get(place);
    const std::string quote = is_toml ? "\"" : "";
    if (option.key() == "url") return quote + "unix:/other" + quote;
    if (option.key() == "memory.budget_bytes") return "16777216";
    if (option.key() == "admin.socket") return quote + "/other" + quote;
    if (option.key() == "admin.url" || option.key() == "auth.http.url") return quote + "http://127.0.0.1:9000" + quote;
    if (option.type == Type::list) {
        const std::string text = quote + (option.name == "origins" ? "https://a.example" : "192.0.2.0/24") + quote;
        return is_toml ? "[" + text + "]" : text;
    }
    switch (option.type) {
        case Type::boolean: return std::get<bool>(value) ? "false" : "true";
        case Type::text: return quote + "other" + quote;
        case Type::choice: {
            const auto index = static_cast<std::size_t>(std::get<std::int64_t>(value));
            return quote + std::string(option.choices[(index + 1) % option.choices.size()]) + quote;
        }
        default: {
            const bool is_largest = std::get<std::int64_t>(value) == option.largest;
            return std::to_string(is_largest ? option.smallest : option.largest);
        }
    }
}

bool is_about_build(const Loaded& loaded) {
    return std::all_of(loaded.complaints.begin(), loaded.complaints.end(), [](const Complaint& complaint) {
        return complaint.text.find("without a store") != std::string::npos ||
               complaint.text.find("the file cannot be opened") != std::string::npos ||
               complaint.text.find("key 'log.") != std::string::npos ||  // log.target and log.file want each other
               complaint.text.find("outbox_bytes_fatal") != std::string::npos ||
               complaint.text.find("Unix sockets only") != std::string::npos ||
               complaint.text.find("proxy_protocol") != std::string::npos;  // it and proxy_from want each other
    });
}

bool is_effective(const Loaded& loaded, const std::string& key) {
    // [limits] holds for the listeners too, so a change of one of its keys is a change of several.
    const auto changed = differences(load({}).config, loaded.config);
    return std::find(changed.begin(), changed.end(), key) != changed.end();
}

}  // namespace

TEST_CASE("every member of the limits and options has a row") {
    CHECK(rows_of(Scope::limits) == count_members<session::SessionLimits>());
    CHECK(rows_of(Scope::listener) ==
          // Without name, and limits, websocket, mqttsn, lines and tls themselves. The predefined topics have no row.
          count_members<ListenerDraft>() - 6 + count_members<WebSocketSettings>() + count_members<MqttsnSettings>() -
              1 + count_members<lines::Options>() + count_members<TlsSettings>());
    CHECK(count_members<AdminSettings>() == 6);  // url, token_file, tokens, socket, body_bytes_max, and [admin.tls]
    // Each is in a row, but for: listeners (own scope); durability ([store]); server_version (of the build); retained
    // (below); connections_total_max and has_other_users, which follow from others.
    const auto rows_in = [](std::string_view section) {
        return static_cast<std::size_t>(std::count_if(options().begin(), options().end(),
                                                      [&](const Option& option) { return option.section == section; }));
    };
    const std::size_t of_shard =
        rows_in("broker") - 1 + rows_in("shared_subscriptions") + rows_in("sys") + rows_in("memory");
    CHECK(of_shard == count_members<broker::ShardOptions>() - 6);
    CHECK(rows_in("retained") == count_members<broker::RetainedLimits>());
    CHECK(rows_in("store") == count_members<StoreSettings>() + 4);  // the level and the delays of shard.durability
    CHECK(rows_in("process") == count_members<ProcessSettings>());
    CHECK(rows_in("auth.jwt") == count_members<TokenSettings>());
    CHECK(rows_in("auth.http") == count_members<HookSettings>());
    CHECK(rows_in("log") == count_members<LogSettings>());
    CHECK(rows_in("ota") == count_members<OtaSettings>());
    const auto rows_of_bridges = [](Scope scope) {
        return static_cast<std::size_t>(std::ranges::count(bridge_options(), scope, &Option::scope));
    };
    // Without name, the three members that are parsed from others, and token, tls, queue and routes themselves; and
    // without the claims of the token.
    CHECK(rows_of_bridges(Scope::bridge) == count_members<BridgeSettings>() - 8 + count_members<BridgeTokenSettings>() -
                                                1 + count_members<BridgeTlsSettings>() +
                                                count_members<BridgeQueueSettings>());
    CHECK(rows_of_bridges(Scope::route) == count_members<bridge::Route>());
}

TEST_CASE("keys are unique and no row writes what another reads") {
    std::set<std::string> keys;
    for (const Option& option : options()) {
        INFO(option.key());
        CHECK(keys.insert(option.key()).second);
    }
    for (const Option& option : options()) {
        if (option.scope != Scope::limits) continue;
        const Loaded loaded = load_set({option.key() + "=" + other_value(option, load({}).config, false)});
        const auto changed = differences(load({}).config, loaded.config);
        INFO(option.key());
        CHECK(changed == std::vector<std::string>{option.key(), "listeners.local." + option.key()});
    }
}

TEST_CASE("every row has a help, a known section and a range that holds its default") {
    const Config config;
    ListenerDraft draft;
    for (const Option& option : options()) {
        INFO(option.key());
        CHECK(option.help.ends_with('.'));
        CHECK((option.scope == Scope::listener || !section_help(option.section).empty()));
        if (option.type != Type::integer && option.type != Type::size) continue;
        auto limits = config.limits;
        auto copy = config;
        const std::int64_t value = std::get<std::int64_t>(option.get({&copy, &limits, &draft}));
        CHECK(value >= option.smallest);
        CHECK(value <= option.largest);
        for (const std::int64_t edge : {option.smallest, option.largest}) {  // the member can hold the whole range
            option.set({&copy, &limits, &draft}, edge);
            CHECK(std::get<std::int64_t>(option.get({&copy, &limits, &draft})) == edge);
        }
    }
}

TEST_CASE("keys name their unit") {
    for (const Option& option : options()) {
        INFO(option.key());
        if (option.unit == "s") CHECK(option.name.ends_with("_s"));
        if (option.unit == "ms") CHECK(option.name.ends_with("_ms"));
        if (option.unit == "bytes")
            CHECK(option.name.find("bytes") + option.name.find("packet") != 2 * std::string_view::npos);
    }
}

TEST_CASE("every row is set by a file") {
    for (const Option& option : options()) {
        if (option.scope == Scope::listener) continue;
        const std::string value = other_value(option, load({}).config, true);
        const Loaded loaded =
            load_text("[" + std::string(option.section) + "]\n" + std::string(option.name) + " = " + value);
        INFO(option.key() << " = " << value);
        CHECK(is_about_build(loaded));
        CHECK(is_effective(loaded, option.key()));
    }
}

TEST_CASE("every row is set by a flag") {
    for (const Option& option : options()) {
        if (option.scope == Scope::listener) continue;
        const std::string value = other_value(option, load({}).config, false);
        const Loaded loaded = load_set({option.key() + "=" + value});
        INFO(option.key() << "=" << value);
        CHECK(is_about_build(loaded));
        CHECK(is_effective(loaded, option.key()));
    }
}

TEST_CASE("every row of listeners and their limits is set for one listener, by a file and by a flag") {
    for (const Option& option : options()) {
        if (option.scope == Scope::broker) continue;
        const std::string key = "listeners.local." + option.key();
        const bool is_anonymity = option.name == "allow_anonymous";  // the default of a local listener is true
        const std::string value = is_anonymity ? "false" : other_value(option, load({}).config, true);
        const std::string section = option.section.empty() ? "" : "." + std::string(option.section);
        const bool is_for_devices = option.section == "mqttsn" || option.name == "user";
        const std::string address = option.section == "websocket" ? "ws://127.0.0.1:1883"
                                    : is_for_devices              ? "udp://127.0.0.1:1883"
                                                                  : "mqtt://127.0.0.1:1883";
        // Such rows want other ones, or a value that is no plain text.
        const bool wants_others = option.section == "tls" || option.section == "lines" || option.name == "mode" ||
                                  option.name == "multicast" || option.name == "devices_file" ||
                                  option.name == "advertise_interval_s" || option.name == "connectionless_per_second";
        const std::string url = option.name == "url" ? "" : "[listeners.local]\nurl = '" + address + "'\n";
        const std::string header = option.name != "url" && section.empty() ? "" : "[listeners.local" + section + "]\n";
        const Loaded by_file = load_text(url + header + std::string(option.name) + " = " + value);
        INFO(key << " = " << value);
        CHECK(is_effective(by_file, key));
        if (!wants_others) CHECK(is_about_build(by_file));
        const std::string plain = option.type == Type::list ? other_value(option, load({}).config, false) : value;
        const Loaded by_flag = load_set({"listeners.local.url=" + address, key + "=" + plain});
        CHECK(is_effective(by_flag, key));
        if (!wants_others) CHECK(is_about_build(by_flag));
        CHECK_FALSE(is_effective(by_flag, option.key()));
    }
}
