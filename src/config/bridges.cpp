// Assignments below [bridges]: each key finds its row, and its value is converted and written to its place.
#include "bridges.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "convert.hpp"
#include "ledge/auth/token_maker.hpp"
#include "ledge/base/assert.hpp"
#include "nearest.hpp"
#include "options.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view bridges_key = "bridges";
constexpr std::string_view routes_name = "routes";
constexpr std::string_view claims_name = "token.claims";
constexpr std::size_t key_bytes_shown = 200;  // of a key in a complaint

bool is_table(const Assignment& assignment) {
    const auto* other = std::get_if<OtherValue>(&assignment.value);
    return other != nullptr && other->kind == table_kind;
}

/// True: `text` is `name`, or begins with `name` and a dot.
bool is_at_or_below(std::string_view text, std::string_view name) {
    return text.starts_with(name) && (text.size() == name.size() || text[name.size()] == '.');
}

/// The part up to the first dot, which is removed from `rest` together with the dot.
std::string_view split_part(std::string_view& rest) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    return part;
}

const Option* find_option(Scope scope, std::string_view key) {
    for (const Option& option : bridge_options()) {
        if (option.scope == scope && option.has_key(key)) return &option;
    }
    return nullptr;
}

/// The complaint about an unknown key. `prefix` is the part of the key before `name`.
std::string unknown(Scope scope, std::string_view prefix, std::string_view name) {
    std::vector<std::string> candidates;
    for (const Option& option : bridge_options()) {
        if (option.scope == scope) candidates.push_back(option.key());
    }
    const std::string meant = nearest(name, candidates);
    if (meant.empty()) return "is unknown; ledgemq --print-config shows all keys";
    return "is unknown; did you mean '" + std::string(prefix.substr(0, key_bytes_shown)) + meant + "'?";
}

/// Some claims follow from other keys. Twice in one token they would have no defined meaning.
std::string problem_of_claim_name(const std::string& name) {
    constexpr std::size_t name_bytes_max = 256;
    if (name.empty() || name.size() > name_bytes_max) return "has a name that is empty or longer than 256 bytes";
    if (!auth::is_reserved_claim(name)) return {};
    if (name == "iat" || name == "exp") return "is set by the bridge, from lifetime_s; remove it";
    const std::string_view key = name == "iss" ? "issuer" : name == "sub" ? "subject" : "audience";
    return "has a key of its own; write " + std::string(key) + " in the section token";
}

/// true, 7, "text" or ["text", "text"].
Result<PlainValue, std::string> convert_claim(const Assignment& assignment) {
    Option like{};  // the rules for texts and lists are those of an option with this type
    const Value& value = assignment.value;
    if (assignment.is_flag) {
        const std::string& text = std::get<std::string>(value);
        like.type = text == "true" || text == "false" ? Type::boolean : Type::text;
        return convert_flag(like, text);
    }
    if (const auto* boolean = std::get_if<bool>(&value)) return PlainValue(*boolean);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return PlainValue(*number);
    like.type = std::holds_alternative<TextList>(value) ? Type::list : Type::text;
    if (std::holds_alternative<TextList>(value) || std::holds_alternative<std::string>(value))
        return convert(like, value);
    return Failure{"must be true or false, a whole number, a text or a list of texts, not " + describe(value)};
}

/// Converts the value and writes it to its place. Returns the mistake, "" = none.
std::string set(const Option& option, const Assignment& assignment, Place place) {
    const auto value = convert(option, assignment);
    if (!value) return value.error();
    option.set(place, value.value());
    return {};
}

}  // namespace

bool Bridges::is_of_bridges(std::string_view key) { return is_at_or_below(key, bridges_key); }

bool Bridges::is_routes_key(std::span<const std::string> path) {
    return path.size() == 3 && path[0] == bridges_key && path[2] == routes_name;
}

std::string Bridges::assign(const Assignment& assignment, Places& places) {
    LEDGE_ASSERT(is_of_bridges(assignment.key));
    std::string_view rest = assignment.key;
    split_part(rest);
    if (rest.empty()) return is_table(assignment) ? "" : "must be sections with names; write [bridges.NAME]";
    const std::string name(split_part(rest));
    if (!is_bare_key(name) || name.size() > bridge_name_bytes_max)
        return "has no valid name; a bridge's name has 1 to 64 letters, digits, '-' and '_'";
    // Before the draft is made, so that a file with a million names takes no memory.
    if (!drafts_.contains(name) && drafts_.size() == bridges_max)
        return "is one bridge too many; at most " + std::to_string(bridges_max) + " are allowed";
    BridgeSettings& settings = drafts_[name];
    settings.name = name;
    places.try_emplace("bridges." + name, assignment.place);
    std::string problem = assign_key(settings, assignment, rest, places);
    // A bridge with a mistake is not checked further: complaints about its missing keys would hide the mistake.
    if (!problem.empty()) broken_.insert(name);
    return problem;
}

std::string Bridges::assign_key(BridgeSettings& settings, const Assignment& assignment, std::string_view rest,
                                Places& places) {
    if (rest.empty()) return is_table(assignment) ? "" : "is a section; write [bridges." + settings.name + "]";
    if (is_at_or_below(rest, routes_name))
        return assign_route(settings, assignment, rest.substr(routes_name.size()), places);
    if (rest == "tls" || rest == "queue" || rest == "token")
        return is_table(assignment) ? "" : "is a section; write [" + assignment.key + "]";
    // The place of a section is the place of its first key, for complaints about the section as a whole.
    if (const std::size_t dot = rest.find('.'); dot != std::string_view::npos)
        places.try_emplace("bridges." + settings.name + "." + std::string(rest.substr(0, dot)), assignment.place);
    if (is_at_or_below(rest, claims_name)) {
        places.try_emplace("bridges." + settings.name + "." + std::string(claims_name), assignment.place);
        places[assignment.key] = assignment.place;
        return assign_claim(settings, assignment, rest.substr(claims_name.size()));
    }
    const Option* option = find_option(Scope::bridge, rest);
    if (option == nullptr) return unknown(Scope::bridge, "bridges." + settings.name + ".", rest);
    places[assignment.key] = assignment.place;
    return set(*option, assignment, {.bridge = &settings});
}

/// rest := "" | "." number ["." name]
std::string Bridges::assign_route(BridgeSettings& settings, const Assignment& assignment, std::string_view rest,
                                  Places& places) {
    const std::string prefix = "bridges." + settings.name + ".routes";
    std::string_view name = rest.substr(std::min<std::size_t>(rest.size(), 1));
    const std::string_view digits = split_part(name);
    std::size_t number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
        return "must be a list of sections; write [[" + prefix + "]] with direction and filter below it";
    const std::size_t count = settings.routes.size();
    if (number == 0 || number > routes_max || number > count + 1)
        return "has a number out of order: the bridge has " + std::to_string(count) + " routes so far, at most " +
               std::to_string(routes_max);
    if (number > count) settings.routes.emplace_back();
    const std::string route_key = prefix + "." + std::to_string(number);
    places.try_emplace(route_key, assignment.place);
    if (name.empty()) return is_table(assignment) ? "" : "is a section; write [[" + prefix + "]]";
    const Option* option = find_option(Scope::route, name);
    if (option == nullptr) return unknown(Scope::route, route_key + ".", name);
    places[assignment.key] = assignment.place;
    return set(*option, assignment, {.route = &settings.routes[number - 1]});
}

/// rest := "" | "." name. The name in `rest` may be quoted; the path of an assignment from a file has its plain form.
std::string Bridges::assign_claim(BridgeSettings& settings, const Assignment& assignment, std::string_view rest) {
    constexpr std::size_t path_parts = 5;  // bridges, the name of the bridge, token, claims, the name of the claim
    if (rest.empty()) return is_table(assignment) ? "" : "is a section; write [" + assignment.key + "]";
    rest.remove_prefix(1);
    if (assignment.path.size() > path_parts || (assignment.is_flag && !is_bare_key(rest)))
        return "is no claim; a claim is one name with a plain value";
    const std::string name = assignment.is_flag ? std::string(rest) : assignment.path.back();
    std::string problem = problem_of_claim_name(name);
    if (!problem.empty()) return problem;
    auto value = convert_claim(assignment);
    if (!value) return value.error();
    auto& claims = settings.token.claims;
    const auto place = std::ranges::lower_bound(claims, name, {}, &std::pair<std::string, PlainValue>::first);
    if (place != claims.end() && place->first == name) {
        place->second = std::move(*value);
    } else if (claims.size() == claims_max) {
        return "is one claim too many; at most " + std::to_string(claims_max) + " are allowed";
    } else {
        claims.insert(place, {name, std::move(*value)});
    }
    return {};
}

std::vector<BridgeSettings> Bridges::finish(const Places& places, BridgeFindings findings) {
    std::vector<BridgeSettings> bridges;
    for (auto& [name, settings] : drafts_) bridges.push_back(std::move(settings));
    drafts_.clear();
    check_bridges(bridges, places, broken_, findings);
    return bridges;
}

}  // namespace ledge::config
