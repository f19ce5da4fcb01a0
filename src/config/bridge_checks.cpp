// Checks of bridges that concern several options together, and the values that are parsed from texts: urls, parts of
// the day, replaced characters.
#include <algorithm>
#include <charconv>

#include "bridges.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/lower_case.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/filter_algebra.hpp"
#include "ledge/bridge/route_check.hpp"
#include "ledge/bridge/upstream_profile.hpp"
#include "ledge/topic/name.hpp"
#include "listener_url.hpp"

namespace ledge::config {
namespace {

/// "HH:MM" as minutes since 00:00; nullopt if it is no time of a day.
std::optional<std::uint16_t> parse_minute(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto number = [](std::string_view digits) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return error == std::errc() && end == digits.data() + digits.size() ? value : 99U;
    };
    const unsigned hour = number(text.substr(0, 2));
    const unsigned minute = number(text.substr(3));
    if (hour > 23 || minute > 59) return std::nullopt;
    return static_cast<std::uint16_t>(hour * 60 + minute);
}

std::optional<DayWindow> parse_window(std::string_view text) {
    if (text.size() != 11 || text[5] != '-') return std::nullopt;
    const auto begin = parse_minute(text.substr(0, 5));
    const auto end = parse_minute(text.substr(6));
    if (!begin || !end || *begin == *end) return std::nullopt;
    return DayWindow{*begin, *end};
}

/// The text names two ASCII characters, and the second may stand in a topic.
bool is_replacement(std::string_view text) {
    const auto is_ascii = [](char c) { return c >= ' ' && c < 0x7F; };
    return text.size() == 2 && is_ascii(text[0]) && is_ascii(text[1]) && text[0] != text[1] &&
           std::string_view("+#/").find(text[0]) == std::string_view::npos &&
           std::string_view("+#/").find(text[1]) == std::string_view::npos;
}

/// "host:port" in lower case, by which bridges to the same broker know each other.
std::string broker_of(const Endpoint& endpoint) {
    return lower_case(endpoint.host + ":" + std::to_string(endpoint.port));
}

std::vector<std::string> brokers_of(const BridgeSettings& settings) {
    std::vector<std::string> brokers;
    for (const Endpoint& endpoint : settings.endpoints) brokers.push_back(broker_of(endpoint));
    return brokers;
}

bool has_common_broker(const BridgeSettings& one, const BridgeSettings& other) {
    const std::vector<std::string> brokers = brokers_of(other);
    return std::ranges::any_of(brokers_of(one), [&](const std::string& broker) {
        return std::ranges::find(brokers, broker) != brokers.end();
    });
}

bool is_plain_filter(std::string_view text) {
    return topic::is_valid_filter(text, topic::levels_hard_max) && !topic::is_shared(text);
}

/// The client ids of all connections of a bridge.
std::vector<std::string> all_client_ids_of(const BridgeSettings& settings, std::string_view machine) {
    const std::string id = client_id_of(settings, machine);
    if (settings.queue.priority.empty()) return {id};
    return {id, id + std::string(priority_client_id_end)};
}

/// Checks one configuration. Adds complaints and notes to it.
class BridgeChecker {
public:
    BridgeChecker(BridgeFindings findings, const Places& places) : findings_(findings), places_(places) {}

    /// Checks one bridge alone, without the texts of its routes.
    void options(BridgeSettings& settings) {
        urls(settings);
        compression(settings);
        login(settings);
        tls(settings);
        times(settings);
        topics(settings);
        queue(settings);
        characters(settings);
        if (settings.routes.empty())
            complain(settings, "routes",
                     "the bridge has no routes and carries nothing; add [[bridges." + settings.name +
                         ".routes]] with direction = \"out\" and filter = \"#\"");
    }

    /// Two clients with one client id disconnect each other without end if they reach the same broker. A default client
    /// id can only be that of another bridge if the other one is configured so.
    void client_ids(const std::vector<BridgeSettings>& all, std::string_view machine) {
        for (auto one = all.begin(); one != all.end(); ++one) {
            const std::vector<std::string> ids = all_client_ids_of(*one, machine);
            for (auto other = all.begin(); other != one; ++other) {
                if (!has_common_broker(*other, *one)) continue;
                const std::vector<std::string> others = all_client_ids_of(*other, machine);
                const auto same = std::ranges::find_first_of(ids, others);
                if (same != ids.end()) same_client_id(*one, *other, *same);
            }
        }
    }

    void same_client_id(const BridgeSettings& one, const BridgeSettings& other, const std::string& id) {
        // The place of the key helps more than that of a section without it.
        const BridgeSettings& named = one.client_id.empty() ? other : one;
        const BridgeSettings& rival = one.client_id.empty() ? one : other;
        const bool is_of_lane = id.ends_with(priority_client_id_end);
        complain(named, "client_id",
                 "the bridge '" + rival.name + "' has the client id " + quoted(id) + " too" +
                     (is_of_lane ? " (queue.priority makes a second one, with \"" +
                                       std::string(priority_client_id_end) + "\" behind it)"
                                 : "") +
                     ", and the same broker; the two would disconnect each other; choose another id");
    }

    void routes(const std::vector<const BridgeSettings*>& all) {
        std::vector<bridge::BridgeRoutes> checked;
        for (const BridgeSettings* settings : all)
            checked.push_back({settings->name, brokers_of(*settings), settings->routes});
        std::set<std::string> refused;
        for (const bridge::Complaint& found : bridge::check_routes(checked)) {
            const std::string number = std::to_string(found.route + 1);
            const std::string text = "bridge '" + found.bridge + "', route " + number + ": " + found.text;
            const std::string place = place_of("bridges." + found.bridge + ".routes." + number);
            if (found.severity == bridge::Complaint::Severity::error) {
                findings_.complaints.push_back({place, text});
                refused.insert(found.bridge);
            } else {
                findings_.notes.push_back(place.empty() ? text : place + ": " + text);
            }
        }
        // The rest needs valid routes.
        for (const BridgeSettings* settings : all) {
            if (refused.contains(settings->name)) continue;
            advise(*settings);
            filters_of_routes(*settings, "queue.last_value", settings->queue.last_value);
            filters_of_routes(*settings, "queue.priority", settings->queue.priority);
        }
    }

private:
    void urls(BridgeSettings& settings) {
        if (settings.urls.empty())
            return complain(
                settings, "urls",
                "the bridge has no address; write urls = [\"mqtts://HOST:PORT\"] in [bridges." + settings.name + "]");
        for (const std::string& url : settings.urls) {
            auto endpoint = parse_bridge_url(url);
            if (!endpoint) {
                complain(settings, "urls", quoted(url) + ": " + endpoint.error());
                continue;
            }
            const bool is_exposed = !endpoint->is_tls && !endpoint->is_local;
            if (is_exposed && settings.has_password())
                findings_.notes.push_back("the password of bridge '" + settings.name + "' goes to " + url +
                                          " unencrypted, so others in the network can read it; use mqtts:// or wss://");
            settings.endpoints.push_back(std::move(*endpoint));
        }
    }

    void compression(const BridgeSettings& settings) {
        const bool has_web = std::ranges::any_of(
            settings.endpoints, [](const Endpoint& one) { return one.protocol == Endpoint::Protocol::websocket; });
        // Without an endpoint, the urls have a mistake that may be the cause.
        if (settings.compression && !has_web && !settings.endpoints.empty())
            complain(settings, "compression",
                     "it has no effect, because no url begins with ws:// or wss://; MQTT itself has no compression; "
                     "remove the key, or change urls");
    }

    void login(const BridgeSettings& settings) {
        for (const BridgeProblem& problem : check_login(settings)) complain(settings, problem.key, problem.text);
    }

    void tls(const BridgeSettings& settings) {
        const BridgeTlsSettings& tls = settings.tls;
        if (!settings.uses_tls()) {
            // Without an endpoint, the urls have a mistake that may be the cause.
            if (tls != BridgeTlsSettings{} && !settings.endpoints.empty())
                complain(settings, "tls",
                         "the section has no effect, because no url begins with mqtts:// or wss://; remove the "
                         "section, or change urls");
            return;
        }
        if (tls.certificate.empty() != tls.key.empty())
            complain(settings, tls.key.empty() ? "tls.certificate" : "tls.key", "certificate and key must both be set");
        if (tls.psk_file.empty() && tls.ca.empty())
            complain(settings, "tls.ca",
                     "mqtts:// and wss:// require a file with the authorities that sign the upstream's certificate; "
                     "those that this system trusts are in \"/etc/ssl/certs/ca-certificates.crt\"");
        if (!tls.psk_file.empty() && !(tls.ca.empty() && tls.certificate.empty()))
            complain(settings, "tls.psk_file",
                     "a pre-shared key replaces the certificates; remove either psk_file, or ca and certificate");
    }

    void times(BridgeSettings& settings) {
        if (settings.retry_max < settings.retry_first)
            complain(settings, "retry_max_s", "the value is below retry_first_s; raise it");
        for (const std::string& text : settings.windows) {
            const auto window = parse_window(text);
            if (window) {
                settings.day_windows.push_back(*window);
            } else {
                complain(settings, "windows",
                         quoted(text) +
                             " is no part of a day; write two different times, \"HH:MM-HH:MM\", for "
                             "example \"22:00-06:00\"");
            }
        }
        const bool comes_in = std::ranges::any_of(settings.routes, &bridge::Route::comes_in);
        if (settings.lazy && comes_in)
            findings_.notes.push_back(
                "bridge '" + settings.name +
                "' has incoming routes and lazy = true: messages of the upstream wait there until "
                "a message from here makes the bridge connect");
    }

    void topics(const BridgeSettings& settings) {
        topic_name(settings, "state_topic", settings.state_topic);
        topic_name(settings, "queue.dead_letter_topic", settings.queue.dead_letter_topic);
    }

    void queue(const BridgeSettings& settings) {
        const BridgeQueueSettings& queue = settings.queue;
        filters(settings, "queue.last_value", queue.last_value);
        filters(settings, "queue.priority", queue.priority);
        if (queue.order == BridgeQueueSettings::Order::live_first)
            complain(settings, "queue.order",
                     "\"live_first\" would bring the messages of a topic in the wrong order, and the receiver would "
                     "keep the older one; write \"backlog_first\", and name urgent topics in queue.priority");
    }

    /// The filters must be valid, and each must match a topic that the bridge sends.
    void filters(const BridgeSettings& settings, std::string_view name, const TextList& all) {
        for (const std::string& filter : all) {
            if (!is_plain_filter(filter))
                complain(settings, name,
                         quoted(filter) +
                             " is no topic filter; write one as in a SUBSCRIBE, for example "
                             "\"alarms/#\"");
        }
    }

    /// Requires that the routes are valid.
    void filters_of_routes(const BridgeSettings& settings, std::string_view name, const TextList& all) {
        for (const std::string& filter : all) {
            if (!is_plain_filter(filter)) continue;  // it has its complaint
            const auto is_carried = [&](const bridge::Route& route) {
                return route.goes_out() && bridge::intersects(route.local_filter(), filter);
            };
            if (std::ranges::none_of(settings.routes, is_carried))
                complain(settings, name,
                         "no outgoing route carries a topic that matches " + quoted(filter) +
                             "; write the filter with local topics, as local_prefix + filter of the route");
        }
    }

    void topic_name(const BridgeSettings& settings, std::string_view name, const std::string& text) {
        if (text.empty() || topic::is_valid_topic(text, topic::levels_hard_max)) return;
        complain(settings, name, quoted(text) + " is no topic name; write one without '+' and '#'");
    }

    void characters(BridgeSettings& settings) {
        for (const std::string& text : settings.character_map) {
            if (is_replacement(text)) {
                settings.character_pairs.emplace_back(text[0], text[1]);
            } else {
                complain(settings, "character_map",
                         quoted(text) +
                             " is no replacement; write two different ASCII characters, the replaced one "
                             "first, for example \"._\"; '+', '#' and '/' cannot be among them");
            }
        }
    }

    /// Notes what the upstream does with the routes, if its kind is known.
    void advise(const BridgeSettings& settings) {
        advise_on_priority(settings);
        const std::optional<bridge::UpstreamKind> kind = upstream_kind_of(settings);
        if (!kind || *kind == bridge::UpstreamKind::generic) return;
        for (const std::string& sentence : bridge::advice_for(bridge::profile_of(*kind), settings.routes))
            findings_.notes.push_back("bridge '" + settings.name + "': " + sentence);
    }

    /// queue.priority needs a second client id at the upstream, which not every upstream can accept.
    void advise_on_priority(const BridgeSettings& settings) {
        if (settings.queue.priority.empty()) return;
        const std::optional<bridge::UpstreamKind> kind = upstream_kind_of(settings);
        const std::string note = "bridge '" + settings.name +
                                 "': queue.priority connects with a second client id, which ends in '" +
                                 std::string(priority_client_id_end) + "'; ";
        if (kind == bridge::UpstreamKind::azure_iot)
            complain(settings, "queue.priority",
                     "Azure IoT Hub accepts only the device id as the client id, so the second connection can never be "
                     "made; remove the key, and use two bridges with a device each if alarms must not wait");
        else if (settings.token.kind == BridgeTokenSettings::Kind::sas)
            findings_.notes.push_back(note +
                                      "a signature for one device is refused by an upstream that compares the two");
        else if (kind == bridge::UpstreamKind::aws_iot)
            findings_.notes.push_back(note + "the policy at AWS IoT must allow iot:Connect with both");
    }

    std::string place_of(const std::string& key) const {
        const auto found = places_.find(key);
        return found != places_.end() ? found->second : std::string();
    }

    /// The place of the complaint is where the key was set, or else where the bridge begins.
    void complain(const BridgeSettings& settings, std::string_view name, const std::string& text) {
        const std::string bridge_key = "bridges." + settings.name;
        const std::string key = bridge_key + "." + std::string(name);
        std::string place = place_of(key);
        if (place.empty()) place = place_of(bridge_key);
        findings_.complaints.push_back({std::move(place), "key '" + key + "': " + text});
    }

    BridgeFindings findings_;
    const Places& places_;
};

}  // namespace

bool BridgeSettings::uses_tls() const { return std::ranges::any_of(endpoints, &Endpoint::is_tls); }

std::string client_id_of(const BridgeSettings& settings, std::string_view machine) {
    return settings.client_id.empty() ? std::string(machine) + "-" + settings.name : settings.client_id;
}

void check_bridge_client_ids(const std::vector<BridgeSettings>& bridges, const Places& places, std::string_view machine,
                             BridgeFindings findings) {
    BridgeChecker(findings, places).client_ids(bridges, machine);
}

std::optional<bridge::UpstreamKind> upstream_kind_of(const BridgeSettings& settings) {
    if (settings.upstream || settings.endpoints.empty()) return settings.upstream;
    const bridge::UpstreamKind told = bridge::kind_of_host(settings.endpoints.front().host);
    // All urls are one upstream. If their names disagree, nobody knows what the upstream is.
    const bool is_told_by_all = std::ranges::all_of(
        settings.endpoints, [&](const Endpoint& one) { return bridge::kind_of_host(one.host) == told; });
    return is_told_by_all && told != bridge::UpstreamKind::generic ? std::optional(told) : std::nullopt;
}

void check_bridges(std::vector<BridgeSettings>& bridges, const Places& places, const std::set<std::string>& broken,
                   BridgeFindings findings) {
    BridgeChecker checker(findings, places);
    std::vector<const BridgeSettings*> sound;
    for (BridgeSettings& settings : bridges) {
        LEDGE_ASSERT(settings.endpoints.empty() && settings.day_windows.empty() && settings.character_pairs.empty());
        if (broken.contains(settings.name)) continue;
        checker.options(settings);
        sound.push_back(&settings);
    }
    checker.routes(sound);
}

}  // namespace ledge::config
