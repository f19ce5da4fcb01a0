// Inspector: questions of an operator to a running shard. They change nothing and never stall the shard: a question
// with a long answer is an object, and each step() does a bounded part of the work. The asker calls step() once a turn
// until the question is done. Sessions, subscriptions and messages may come and go between two steps: an entry that
// stays during the whole question is in the answer exactly once. On the thread of the shard.
//
// A page ends with `next`, which is `after` of the next page. It names a place in the order of the list and not an
// entry, so it stays valid whatever ends meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/broker/page.hpp"
#include "ledge/broker/session_facts.hpp"

namespace ledge::journal {
class Publication;
}  // namespace ledge::journal

namespace ledge::session {
struct EndedConnection;
}  // namespace ledge::session

namespace ledge::broker {

struct ClientFacts;

/// Steps of one question that a turn of the shard can afford: about half a millisecond on a small board.
inline constexpr std::size_t inspect_work_max = 2000;

/// What the questions have in common.
struct Question {
    std::string after;            // see the head of this file; "" = the first page
    std::size_t count_max = 100;  // entries on the page
    std::string next;             // answer; "" = there is no further page
    std::uint64_t work = 0;       // entries examined so far
};

/// The filters are substrings; "" fits everything.
struct ClientFilter {
    std::string client_id{};
    std::string user{};
    std::string address{};
    std::string listener{};
    std::optional<bool> is_connected{};
};

enum class ClientOrder : std::uint8_t {
    client_id,
    queue,    // the longest queues first; one page only
    dropped,  // the clients that have lost most messages first; one page only
};

struct ClientsQuestion : Question {
    ClientFilter filter;
    ClientOrder order = ClientOrder::client_id;
    /// The answer. Valid until the next call that changes the shard.
    std::vector<SessionFacts> clients;

    // Progress
    struct Nothing {};
    std::optional<Page<Nothing>> page;
    std::uint32_t slot = 0;
};

struct SubscriptionsQuestion : Question {
    std::string client_id;
    std::vector<SubscriptionFacts> subscriptions;  // answer, in the order of the filters
    bool is_unknown = false;                       // answer: no session has the client id

    // Progress: the subscriptions below `at` are left.
    std::optional<Page<SubscriptionFacts>> page;
    std::optional<std::size_t> at;
};

/// One subscription that a message published on the topic finds.
struct TopicReceiver {
    std::string client_id;
    std::string filter;
    std::string share;  // the group of a shared subscription, one of whose members gets the message; "" = not shared
    std::string listener;
    std::string why_not;  // why the client would not get the message; "" = the client would get it
    wire::QoS qos = wire::QoS::at_most_once;
    bool is_connected = false;
};

/// Who would get a message on `topic`?
struct ReceiversQuestion : Question {
    std::string topic;      // a valid topic name
    std::string publisher;  // client id; "" = not a client
    wire::QoS qos = wire::QoS::at_least_once;
    std::size_t payload_bytes = 0;
    std::vector<TopicReceiver> receivers;  // answer, in the order of client ids
    bool is_retained = false;              // answer: a message is retained for the topic

    // Progress: which lists of subscribers are done, and how many subscribers of the present list are left.
    std::optional<Page<TopicReceiver>> page;
    std::vector<std::uint64_t> lists_done;
    std::uint64_t list = 0;
    std::optional<std::size_t> at;
};

struct RetainedFacts {
    std::string topic;
    std::string payload;  // its first bytes
    std::size_t payload_bytes = 0;
    wire::QoS qos = wire::QoS::at_most_once;
    std::optional<Duration> expires_in;  // empty = the message does not expire

    static constexpr std::size_t payload_shown_max = 256;  // bytes in a list
};

/// The retained messages that `filter` matches, in the order in which their topics were first retained.
struct RetainedQuestion : Question {
    std::string filter = "#";             // a valid filter
    std::vector<RetainedFacts> messages;  // answer

    // Progress
    std::uint64_t position = 0;
    std::optional<std::uint64_t> as_of;
};

struct RetainedChild {
    std::string topic;
    bool has_message = false;
    std::uint64_t descendants = 0;  // retained messages below the topic
};

/// One level of the tree of topics with retained messages. As "#", the first level does not show topics that begin with
/// "$" [MQTT-4.7.2-1].
struct RetainedTreeQuestion : Question {
    std::string below;                    // a valid topic name; "" = the first level
    std::vector<RetainedChild> children;  // answer, in the order of their levels

    // Progress
    std::optional<Page<RetainedChild>> page;
    std::uint64_t position = 0;
    std::optional<std::uint64_t> as_of;
};

struct ShareMember {
    std::string client_id;
    bool is_connected = false;
};

struct ShareFacts {
    std::string share;
    std::string filter;
    std::vector<ShareMember> members;    // the first members_shown_max
    std::size_t members_count = 0;       // all
    std::uint64_t messages_waiting = 0;  // in the queues of the members shown, whatever subscription they came by

    static constexpr std::size_t members_shown_max = 100;
};

struct SharesQuestion : Question {
    std::vector<ShareFacts> shares;  // answer
    std::string_view strategy;       // answer

    // Progress
    std::optional<std::size_t> slot;
};

class Shard;

class Inspector {
public:
    /// The shard must outlive the inspector.
    explicit Inspector(const Shard& shard) : shard_(shard) {}

    // Each call does at most about `work_max` steps. Returns true when the answer is complete.
    bool step(ClientsQuestion& question, std::size_t work_max = inspect_work_max) const;
    bool step(SubscriptionsQuestion& question, std::size_t work_max = inspect_work_max) const;
    bool step(ReceiversQuestion& question, std::size_t work_max = inspect_work_max) const;
    bool step(RetainedQuestion& question, std::size_t work_max = inspect_work_max) const;
    bool step(RetainedTreeQuestion& question, std::size_t work_max = inspect_work_max) const;
    bool step(SharesQuestion& question, std::size_t work_max = inspect_work_max) const;

    // Short answers
    /// One client in detail; empty when no session has the client id.
    std::optional<ClientFacts> client(std::string_view client_id) const;
    /// The message that is retained for the topic; empty when there is none.
    journal::Publication retained(std::string_view topic) const;
    /// The last refusals and disconnects, oldest first.
    std::vector<const session::EndedConnection*> refusals() const;

private:
    const Shard& shard_;
};

}  // namespace ledge::broker
