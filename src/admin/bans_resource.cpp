// /bans: clients that may not connect for a time.
#include <charconv>

#include "ledge/base/ip_text.hpp"
#include "ledge/broker/operator_actions.hpp"
#include "question_answer.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

constexpr NumberRange ban_seconds{1, 366ULL * 24 * 3600};

void write_ban(JsonWriter& body, const broker::Ban& ban, Instant now) {
    body.number("number", ban.number);
    if (!ban.client_id.empty()) body.text("client_id", ban.client_id);
    if (!ban.user.empty()) body.text("user", ban.user);
    if (!ban.address.empty()) body.text("address", ban.address);
    body.number("remaining_s", seconds_until(ban.until, now));
    body.text("reason", ban.reason);
}

}  // namespace

void list_bans(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    JsonWriter body;
    body.begin_list("bans");
    for (const broker::Ban& ban : site.shard().bans()) {
        body.begin_object();
        write_ban(body, ban, site.now());
        body.end_object();
    }
    body.end_list();
    request.answer(body);
}

void add_ban(Site& site, ApiRequest request) {
    broker::BanSubject subject;
    subject.client_id = request.text("client_id").value_or("");
    subject.user = request.text("user").value_or("");
    const std::string address = request.text("address").value_or("");
    subject.reason = request.text("reason").value_or("").substr(0, 256);
    const auto seconds = request.number("seconds", ban_seconds);
    if (!seconds) request.complain("seconds", "seconds is needed: how long the ban lasts");
    const auto ip = parse_ip(address);
    // The broker compares texts, so each address has one form.
    if (ip) subject.address = ip_text(*ip);
    if (!address.empty() && !ip) request.complain("address", "address is not an IP address without a port");
    if (int{!subject.client_id.empty()} + int{!subject.user.empty()} + int{!address.empty()} != 1)
        request.complain("client_id", "exactly one of the members client_id, user and address is needed");
    if (request.refuse_if_wrong()) return;
    const Instant now = site.now();
    const auto ban = site.shard().ban(subject, std::chrono::seconds(*seconds), now);
    if (!ban) return request.refuse(409, "1,024 bans are in force, which is the most; lift one of them first");
    JsonWriter body;
    write_ban(body, *ban, now);
    request.answer(201, body);
}

void remove_ban(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    const std::string& text = request.path("number");
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = read.ec == std::errc() && read.ptr == text.data() + text.size();
    if (!is_number || !site.shard().lift_ban(number)) return request.refuse(404, "no ban has this number");
    request.done();
}

}  // namespace ledge::admin
