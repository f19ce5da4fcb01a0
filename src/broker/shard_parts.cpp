// Shard::Parts: constructs the parts of a shard, hands each part its services, and restores them from a store. No other
// file constructs a part of the broker.
#include "shard_parts.hpp"

#include "ledge/journal/image.hpp"

namespace ledge::broker {

Shard::Parts::Parts(const ShardOptions& options_, const Log& log, std::uint64_t seed, Instant now,
                    journal::StoreReader* reader)
    : options(options_),
      services(log, options.durability.journal, seed, now, options.memory_budget_bytes, reader),
      connections(options.listeners.size()),
      admission({.log = services.log, .counters = services.counters}, connections, options),
      throttle({.log = services.log, .counters = services.counters}),
      subscriptions(services.rng.next(), options.share_strategy, services.rng, services.journal),
      retained({.memory = services.memory,
                .accounts = services.accounts,
                .policy = services.policy,
                .journal = services.journal,
                .store = services.store},
               services.rng.next(), options.retained),
      router({.log = services.log,
              .memory = services.memory,
              .accounts = services.accounts,
              .counters = services.counters,
              .tracer = services.tracer,
              .journal = services.journal,
              .barriers = services.barriers},
             subscriptions, retained, options.durability, options.may_refuse()),
      feeds(retained, subscriptions, services.tracer, seed ^ 0xfeed5U),
      lifecycle({.log = services.log,
                 .timers = services.timers,
                 .memory = services.memory,
                 .accounts = services.accounts,
                 .counters = services.counters,
                 .tracer = services.tracer,
                 .policy = services.policy,
                 .guard = services.guard,
                 .journal = services.journal,
                 .message_owners = services.message_owners,
                 .references = services.references,
                 .store = services.store,
                 .for_sessions = services.for_sessions},
                services.rng.next(), subscriptions, router, feeds, options),
      overload({.log = services.log, .memory = services.memory}, connections, lifecycle),
      subscribing({.log = services.log,
                   .memory = services.memory,
                   .counters = services.counters,
                   .tracer = services.tracer,
                   .journal = services.journal},
                  subscriptions, feeds),
      access({.log = services.log,
              .policy = services.policy,
              .policy_version = services.policy_version,
              .guard = services.guard},
             connections, subscriptions, lifecycle.sessions()),
      sys_topics(router, options.server_version, now),
      survey(lifecycle.sessions(), metrics.queues),
      latest(services.latest) {
    services.tracer.watch(latest, effect);
    feeds.use_sessions(lifecycle.sessions());
    services.response_information_prefix = options.response_information_prefix;
    metrics.store.is_used = options.durability.journal.is_enabled;
    sweep_retained(now);  // nothing is retained yet: the call only starts the timer
    if (options.sys_interval > Duration::zero()) publish_sys_topics(now);
}

void Shard::Parts::restore(const journal::StoreImage& image, Instant now) {
    // First: the other parts may ask for new numbers, which must not be in use.
    services.journal.restore(image.next_number);
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    for (const journal::StoredReferences& message : image.references) {
        services.references.add(message.message, message.rows);
        rows += message.rows;
    }
    for (const journal::StoredSession& session : image.sessions) bytes += session.queued_bytes;
    // Several rows may share a message, and the sizes of the messages are not known. So the bytes of a message are
    // estimated as those of the average row.
    if (rows > 0) services.message_owners.restore(image.references.size(), bytes / rows * image.references.size());
    for (const journal::StoredRetained& message : image.retained) retained.restore(message);
    retained.end_restore();
    for (const journal::StoredSession& session : image.sessions) lifecycle.restore(session, now);
    // The removal continues after each commit. Without this call it would wait for another reason to commit.
    lifecycle.remove_ended_queues(now);
}

}  // namespace ledge::broker
