#include "ws_deflate.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "ledge/base/lower_case.hpp"
#include "ledge/base/quote.hpp"

namespace ledge::uplink {
namespace {

constexpr std::string_view extension_name = "permessage-deflate";
constexpr int window_bits_min = 8;
constexpr int window_bits_max = 15;
constexpr int usable_bits_min = 9;            // the library compresses with no smaller window
constexpr std::size_t shown_name_bytes = 60;  // of a name of the server in a reason

std::string_view trimmed(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// Removes the part up to `separator` from the front of `rest`, with the separator, and returns it.
std::string_view cut_part(std::string_view& rest, char separator) {
    const std::size_t at = std::min(rest.find(separator), rest.size());
    const std::string_view part = trimmed(rest.substr(0, at));
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return part;
}

std::string shown_name(std::string_view name) { return quoted(name.substr(0, shown_name_bytes)); }

/// 8 to 15, without leading zeros; 0 = it is no such number. RFC 7692 allows the value in quotes (section 5.2).
int bits_of(std::string_view value) {
    if (value.size() > 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    int bits = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bits);
    const bool is_number = error == std::errc() && end == value.data() + value.size() && value.front() != '0';
    return is_number && bits >= window_bits_min && bits <= window_bits_max ? bits : 0;
}

/// The parameters of the answer. Each may come once.
class AnswerReader {
public:
    /// Returns the mistake; "" = there is none.
    std::string take(std::string_view parameter) {
        const bool has_value = parameter.find('=') != std::string_view::npos;
        const std::string name = lower_case(std::string(cut_part(parameter, '=')));
        if (name == "server_no_context_takeover") return take_flag(name, has_value, agreement_.server_forgets);
        if (name == "client_no_context_takeover") return take_flag(name, has_value, agreement_.client_forgets);
        if (name == "server_max_window_bits") return take_bits(name, trimmed(parameter), server_bits_);
        if (name == "client_max_window_bits") return take_bits(name, trimmed(parameter), client_bits_);
        return "the parameter " + shown_name(name) + " is unknown";
    }

    Result<std::optional<DeflateAgreement>, std::string> finish() {
        if (server_bits_ > 0) agreement_.server_bits = std::max(server_bits_, usable_bits_min);
        // The answer may lower what was offered, and not raise it (section 7.1.2.2).
        if (client_bits_ > client_window_bits)
            return Failure{"client_max_window_bits is above the offered " + std::to_string(client_window_bits)};
        if (client_bits_ > 0 && client_bits_ < usable_bits_min)
            return Failure{std::string("a window of 256 bytes is not supported")};
        if (client_bits_ > 0) agreement_.client_bits = client_bits_;
        return std::optional(agreement_);
    }

private:
    static std::string take_flag(const std::string& name, bool has_value, bool& flag) {
        if (has_value) return name + " has a value";
        return std::exchange(flag, true) ? name + " comes twice" : "";
    }
    static std::string take_bits(const std::string& name, std::string_view value, int& bits) {
        if (bits != 0) return name + " comes twice";
        bits = value.empty() ? 0 : bits_of(value);
        return bits == 0 ? name + " is not 8 to 15" : "";
    }

    DeflateAgreement agreement_;
    int server_bits_ = 0;  // 0 = the answer does not have them
    int client_bits_ = 0;
};

}  // namespace

std::string deflate_offer() {
    return std::string(extension_name) + "; client_max_window_bits=" + std::to_string(client_window_bits);
}

Result<std::optional<DeflateAgreement>, std::string> read_deflate_answer(std::string_view value, bool is_offered) {
    if (trimmed(value).empty()) return std::optional<DeflateAgreement>();
    std::string_view first = value;
    std::string_view rest = cut_part(first, ',');
    const std::string name = lower_case(std::string(cut_part(rest, ';')));
    if (name != extension_name || !is_offered)
        return Failure{"the server uses the WebSocket extension " + shown_name(name) + ", which was not offered"};
    if (!trimmed(first).empty()) return Failure{std::string("the server uses more than one WebSocket extension")};
    AnswerReader reader;
    std::string problem;
    while (problem.empty() && !rest.empty()) problem = reader.take(cut_part(rest, ';'));
    auto agreement = problem.empty() ? reader.finish() : Failure{std::move(problem)};
    if (!agreement) return Failure{"the server's answer about compression was not offered: " + agreement.error()};
    return agreement;
}

std::string to_text(const DeflateAgreement& agreement) {
    std::string text = std::string(extension_name) +
                       "; server_max_window_bits=" + std::to_string(agreement.server_bits) +
                       "; client_max_window_bits=" + std::to_string(agreement.client_bits);
    if (agreement.server_forgets) text += "; server_no_context_takeover";
    if (agreement.client_forgets) text += "; client_no_context_takeover";
    return text;
}

}  // namespace ledge::uplink
