// Checks of bridges that concern several options together, and the values that are parsed from texts: urls, parts of
// the day, replaced characters.
#include <algorithm>
#include <charconv>

#include "bridges.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
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
    std::string name = endpoint.host + ":" + std::to_string(endpoint.port);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name;
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

/// Checks one configuration. Adds complaints and notes to it.
class BridgeChecker {
public:
    BridgeChecker(BridgeFindings findings, const Places& places) : findings_(findings), places_(places) {}

    /// Checks one bridge alone, without the texts of its routes.
    void options(BridgeSettings& settings) {
        urls(settings);
        login(settings);
        tls(settings);
        times(settings);
        topics(settings);
        characters(settings);
        if (settings.routes.empty())
            complain(settings, "routes",
                     "the bridge has no routes and carries nothing; add [[bridges." + settings.name +
                         ".routes]] with direction = \"out\" and filter = \"#\"");
    }

    /// Two bridges with one client id disconnect each other without end if they reach the same broker.
    void client_ids(const std::vector<const BridgeSettings*>& all) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                const bool is_same = !all[i]->client_id.empty() && all[i]->client_id == all[j]->client_id;
                if (is_same && has_common_broker(*all[i], *all[j]))
                    complain(*all[i], "client_id",
                             "the bridge '" + all[j]->name + "' has the client id " + quoted(all[i]->client_id) +
                                 " too, and the same broker; the two would disconnect each other; choose another id");
            }
        }
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
        // The advice needs valid routes.
        for (const BridgeSettings* settings : all) {
            if (!refused.contains(settings->name)) advise(*settings);
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

    /// Notes what the upstream does with the routes, if its kind is configured or its host name tells the kind.
    void advise(const BridgeSettings& settings) {
        std::optional<bridge::UpstreamKind> kind = settings.upstream;
        if (!kind && !settings.endpoints.empty()) kind = bridge::kind_of_host(settings.endpoints.front().host);
        if (!kind || *kind == bridge::UpstreamKind::generic) return;
        for (const std::string& sentence : bridge::advice_for(bridge::profile_of(*kind), settings.routes))
            findings_.notes.push_back("bridge '" + settings.name + "': " + sentence);
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
    checker.client_ids(sound);
    checker.routes(sound);
}

}  // namespace ledge::config
