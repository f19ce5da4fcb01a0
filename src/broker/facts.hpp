// Facts about sessions and subscriptions for operators, read from the objects of the shard. Stateless.
#pragma once

#include <string>

#include "ledge/broker/client_facts.hpp"

namespace ledge::session {
class EndingLog;
class Session;
}  // namespace ledge::session

namespace ledge::broker {

struct Subscriber;

SessionFacts facts_of(const session::Session& session, Instant now);
/// Walks through the messages in flight.
ClientFacts client_facts_of(session::Session& session, const session::EndingLog& endings, Instant now);
SubscriptionFacts facts_of(const Subscriber& subscriber, std::string filter);

}  // namespace ledge::broker
