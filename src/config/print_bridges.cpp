// Bridges as TOML, as a flat list of keys, and as sentences for people.
#include <algorithm>
#include <string_view>

#include "bridges.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/upstream_profile.hpp"
#include "options.hpp"
#include "print_option.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view help =
    "A bridge is a client of another broker, the upstream. It carries messages between the two along its routes. A "
    "bridge has a name of letters, digits, '-' and '_', here: cloud. There may be up to 16 bridges with up to 64 "
    "routes each.";
constexpr std::string_view token_help =
    "A password that the bridge makes and signs itself before each connection, in place of password_file. The clock of "
    "this machine must be right. jwt: further claims stand in the section [bridges.NAME.token.claims], each as name = "
    "value with true, false, a whole number, a text or a list of texts.";
constexpr std::string_view tls_help = "TLS of a bridge with a url that begins with mqtts:// or wss://.";
constexpr std::string_view queue_help =
    "The outgoing messages of a bridge that wait for the upstream. A message leaves the queue when the upstream has "
    "acknowledged it.";
constexpr std::string_view routes_help =
    "A route says which messages a bridge carries and under which names: local_prefix + filter here is remote_prefix + "
    "filter at the upstream. `ledgemq check` explains each route in a sentence, and refuses routes that make a loop.";

/// The bridge of the documentation. Everything that an operator need not choose has its default.
BridgeSettings example() {
    BridgeSettings settings;
    settings.name = "cloud";
    settings.urls = {"mqtts://broker.example:8883"};
    settings.tls.ca = "/etc/ssl/certs/ca-certificates.crt";
    settings.routes.emplace_back();
    settings.routes.back().filter = "plant/#";
    settings.routes.back().remote_prefix = "site-17/";
    return settings;
}

/// A Place for Option::get. The casts are safe: this file calls no Option::set.
Place place_of(const BridgeSettings& settings) { return {.bridge = const_cast<BridgeSettings*>(&settings)}; }
Place place_of(const bridge::Route& route) { return {.route = const_cast<bridge::Route*>(&route)}; }

/// Separates a section from the one above it by an empty line.
void end_section(std::string& out) {
    LEDGE_ASSERT(out.ends_with('\n'));
    if (!out.ends_with("\n\n")) out += "\n";
}

void append_section(std::string_view section, std::string_view section_text, const BridgeSettings& settings,
                    bool is_documented, const Origin& origin, std::string& out) {
    if (is_documented) append_comment(section_text, out);
    out += "[bridges." + settings.name + (section.empty() ? "" : "." + std::string(section)) + "]\n";
    for (const Option& option : bridge_options()) {
        if (option.scope == Scope::bridge && option.section == section)
            append_option(option, place_of(settings), is_documented, origin, out);
    }
    end_section(out);
}

/// A claim as TOML. Unlike a row, a claim has no type of its own.
std::string claim_literal(const PlainValue& value) { return literal(Option{}, value); }

void append_claims(const BridgeSettings& settings, const Origin& origin, std::string& out) {
    if (settings.token.claims.empty()) return;
    out += "[bridges." + settings.name + ".token.claims]\n";
    for (const auto& [name, value] : settings.token.claims) {
        const std::string key = is_bare_key(name) ? name : quoted(name);
        out += key + " = " + origin.value_of("token.claims." + key, claim_literal(value)) + "\n";
    }
    end_section(out);
}

void append_routes(const BridgeSettings& settings, bool is_documented, const Origin& origin, std::string& out) {
    std::size_t number = 0;
    for (const bridge::Route& route : settings.routes) {
        const Origin of_route = origin.below("routes." + std::to_string(++number) + ".");
        if (is_documented) append_comment(routes_help, out);
        out += "[[bridges." + settings.name + ".routes]]\n";
        for (const Option& option : bridge_options()) {
            if (option.scope == Scope::route) append_option(option, place_of(route), is_documented, of_route, out);
        }
        end_section(out);
        is_documented = false;  // the help of options is printed once
    }
}

void append_bridge(const BridgeSettings& settings, bool is_documented, const Origin& all, std::string& out) {
    const Origin origin = all.below("bridges." + settings.name + ".");
    append_section("", help, settings, is_documented, origin, out);
    append_section("token", token_help, settings, is_documented, origin, out);
    append_claims(settings, origin, out);
    append_section("tls", tls_help, settings, is_documented, origin, out);
    append_section("queue", queue_help, settings, is_documented, origin, out);
    append_routes(settings, is_documented, origin, out);
}

/// Appends each line of `text` as a comment.
void append_commented(std::string_view text, std::string& out) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        out += line.empty() ? "#" : "# ";
        out += line;
        out += "\n";
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
}

void append_options(Scope scope, const std::string& prefix, Place place, std::map<std::string, std::string>& out) {
    for (const Option& option : bridge_options()) {
        if (option.scope == scope) out[prefix + option.key()] = literal(option, option.get(place));
    }
}

std::string joined(const TextList& filters) {
    std::string out;
    for (const std::string& filter : filters) out += (out.empty() ? "" : ", ") + filter;
    return out;
}

/// Sentences about what the queue leaves out and what leaves first.
std::string explain_queue(const BridgeSettings& settings, std::string_view machine) {
    const BridgeQueueSettings& queue = settings.queue;
    std::string out;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(queue.age_max).count();
    if (seconds > 0)
        out +=
            "  queue: a message that has waited for more than " + std::to_string(seconds) + " s is not sent any more\n";
    if (!queue.last_value.empty())
        out += "  queue: of the topics that match " + joined(queue.last_value) + ", only the newest message waits\n";
    if (queue.priority.empty()) return out;
    const std::string client_id = client_id_of(settings, machine) + std::string(priority_client_id_end);
    return out + "  priority: messages from here with topics that match " + joined(queue.priority) +
           " have a queue and a connection of their own, whose client id at the upstream is " + quoted(client_id) +
           "\n  priority: messages of these topics that wait already when the key is new leave by the first "
           "connection, so newer ones may overtake them\n";
}

}  // namespace

std::string print_bridges(const std::vector<BridgeSettings>& bridges, const Origin& origin) {
    std::string out;
    for (const BridgeSettings& settings : bridges) append_bridge(settings, &settings == &bridges.front(), origin, out);
    if (!bridges.empty()) return out;
    // Without a bridge, the documentation stands in comments: the lines are a valid file without their first "# ".
    std::string block;
    append_bridge(example(), true, {}, block);
    block.pop_back();  // the empty line at the end
    append_commented(block, out);
    return out + "\n";
}

void flatten_bridges(const std::vector<BridgeSettings>& bridges, std::map<std::string, std::string>& out) {
    for (const BridgeSettings& settings : bridges) {
        const std::string prefix = "bridges." + settings.name + ".";
        append_options(Scope::bridge, prefix, place_of(settings), out);
        for (const auto& [name, value] : settings.token.claims)
            out[prefix + "token.claims." + (is_bare_key(name) ? name : quoted(name))] = claim_literal(value);
        for (std::size_t i = 0; i < settings.routes.size(); ++i)
            append_options(Scope::route, prefix + "routes." + std::to_string(i + 1) + ".", place_of(settings.routes[i]),
                           out);
    }
}

std::string explain_bridges(const std::vector<BridgeSettings>& bridges, std::string_view machine) {
    std::string out;
    for (const BridgeSettings& settings : bridges) {
        LEDGE_ASSERT(settings.endpoints.size() == settings.urls.size());
        out += "bridge " + settings.name + ": ";
        for (const std::string& url : settings.urls) out += (&url == &settings.urls.front() ? "" : ", then ") + url;
        if (settings.lazy) out += ", connected only while messages wait";
        for (const std::string& window : settings.windows)
            out += (&window == &settings.windows.front() ? ", in UTC from " : " and ") + window;
        out += "\n  client id: " + client_id_of(settings, machine) + "\n";
        if (settings.has_password()) out += "  login: " + explain_login(settings) + "\n";
        if (const auto kind = upstream_kind_of(settings); kind && !settings.upstream)
            out += "  upstream: taken for " + std::string(bridge::profile_of(*kind).name) +
                   " because of the host name; if it is not, write upstream = \"generic\" or its kind\n";
        for (std::size_t i = 0; i < settings.routes.size(); ++i)
            out += "  route " + std::to_string(i + 1) + ": " + bridge::explain(settings.routes[i]) + "\n";
        out += explain_queue(settings, machine);
    }
    return out;
}

}  // namespace ledge::config
