// Gateways: one gateway with its link and its inner links for each listener for MQTT-SN devices. This file decides only
// who is called when; it owns all parts of a listener. On the loop's thread.
#include "ledge/link/gateways.hpp"

#include <algorithm>
#include <utility>

#include "counter_file.hpp"
#include "device_links.hpp"
#include "gateway_log.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/link/link_metrics.hpp"
#include "ledge/mqttsn/gateway.hpp"
#include "ledge/transport/driver.hpp"
#include "packet_link.hpp"
#include "serial_link.hpp"
#include "told_facts.hpp"
#include "udp_link.hpp"

namespace ledge::link {

namespace {

std::unique_ptr<PacketLink> make_link(const LinkOptions& options, mqttsn::Gateway& gateway, transport::Driver& driver,
                                      const Log& log) {
    // Links use the driver's buffer as sockets do: nobody needs its content after a read.
    const std::span<Byte> buffer = driver.read_buffer();
    if (const auto* line = std::get_if<SerialLine>(&options.place))
        return std::make_unique<SerialLink>(*line, gateway, driver.poller(), buffer, log, options.name);
    return std::make_unique<UdpLink>(std::get<UdpAddress>(options.place), options.gateway.endpoint.packet_bytes_max,
                                     gateway, driver.poller(), buffer, log, options.name);
}

}  // namespace

/// One listener: link, gateway, inner links.
class Gateways::One {
public:
    One(LinkOptions options, const runtime::LoopServices& services, const Log& log, std::uint64_t seed, Instant now)
        : options_(std::move(options)),
          shard_(services.shard),
          gateway_(options_.gateway, options_.predefined, seed, now),
          links_(options_, gateway_, services.driver),
          link_(make_link(options_, gateway_, services.driver, log)),
          log_(log, options_.name),
          facts_(link_topics_begin, options_.name),
          plain_log_(log),
          driver_(services.driver),
          given_(services.given),
          counter_file_(gateway_, services.io, services.driver, log, options_.name) {
        gateway_.set_devices(options_.devices, now);
    }

    /// The counters are read before the first packet can come: a repeated CONNECT must not be accepted meanwhile.
    std::optional<Error> start(Instant now) {
        auto problem = counter_file_.use(options_.counters_file);
        link_->offer(given_);
        if (!problem) problem = link_->start(now);
        look(now);
        return problem;
    }

    /// Packets go in first and out last, so that an answer of the gateway itself leaves in the turn of its request.
    void turn(Instant now) {
        if (link_->wants_turn()) link_->read(now);
        counter_file_.turn(now);
        links_.turn(*link_, now);
        if (gateway_.has_output() || link_->wants_turn()) link_->write(now);
        // All events of a turn, or their queue would grow.
        while (const auto event = gateway_.take_event()) log_.tell(*event, now);
    }

    bool wants_turn() const {
        return link_->wants_turn() || links_.wants_turn() || gateway_.has_inner() ||
               counter_file_.wants_turn(driver_.now());
    }

    const std::string& name() const { return options_.name; }

    /// A reload has no way back, because other files are in force already. So a file of counters that cannot be read is
    /// told, and the devices are served.
    void set_devices(const mqttsn::DeviceTable& table, const std::string& counters_file, Instant now) {
        if (const auto problem = counter_file_.use(counters_file))
            plain_log_.error("mqttsn_counters_unread",
                             {{"listener", options_.name}, {"file", counters_file}, {"reason", text_of(*problem)}});
        gateway_.set_devices(table, now);
        turn(now);  // the devices that are sent away are told now
    }

    /// A deadline wakes the loop for all parts, so each part is asked whether its own time has come.
    void on_time(Instant now) {
        if (now >= link_->next_deadline()) link_->on_time(now);
        if (now >= gateway_.next_deadline()) gateway_.on_time(now);
        counter_file_.turn(now);
        if (now >= next_facts_) look(now);
    }

    Instant next_deadline() const {
        return std::min({gateway_.next_deadline(), link_->next_deadline(), next_facts_, counter_file_.next_deadline()});
    }

    /// The turn at once: the broker closes all connections next, and the devices' DISCONNECT has to come before.
    void stop(Instant now) {
        is_stopping_ = true;
        next_facts_ = never;
        counter_file_.stop();
        gateway_.stop(now);
        turn(now);
    }

    /// The output counts, because the DISCONNECT of the devices waits there while a line is slow.
    bool is_stopped() const {
        return is_stopping_ && links_.is_empty() && !gateway_.has_output() && !counter_file_.is_writing();
    }

    std::string place() const { return link_->place(); }
    void add_duplicate(std::vector<os::GivenSocket>& to) const { link_->add_duplicate(to); }

    /// Counted when somebody asks: states change with almost every packet.
    LinkFigures figures() const {
        LinkFigures figures;
        figures.name = options_.name;
        figures.place = link_->place();
        figures.gateway = gateway_.counters();
        figures.devices = gateway_.devices();
        figures.asleep = gateway_.count_in(mqttsn::Endpoint::State::asleep);
        figures.connected = gateway_.count_in(mqttsn::Endpoint::State::active) +
                            gateway_.count_in(mqttsn::Endpoint::State::awake) + figures.asleep;
        link_->add_to(figures);
        return figures;
    }

private:
    /// What has to be looked at from time to time, because nobody calls when it changes.
    void look(Instant now) {
        // Without $SYS topics, too: the store is looked at here.
        next_facts_ = now + std::max<Duration>(shard_.sys_interval(), ToldFacts::interval_min);
        // A failed store acknowledges nothing until a restart. Devices had better find another gateway.
        gateway_.set_usable(!shard_.metrics().is_store_failed, now);
        facts_.publish(std::span<const LinkMetric>(link_metrics), figures(), shard_, now);
    }

    // The order matters: links_ and link_ use the gateway, and are destroyed before it.
    const LinkOptions options_;
    broker::Shard& shard_;
    mqttsn::Gateway gateway_;
    DeviceLinks links_;
    std::unique_ptr<PacketLink> link_;
    GatewayLog log_;
    bool is_stopping_ = false;
    Instant next_facts_ = never;
    ToldFacts facts_;
    // For lines that are no events of the gateway.
    const Log& plain_log_;
    transport::Driver& driver_;
    os::GivenSockets* const given_;  // used in start() only
    CounterFile counter_file_;
};

Gateways::Gateways(std::vector<LinkOptions> options, const runtime::LoopServices& services, const Log& log,
                   std::uint64_t seed)
    : driver_(services.driver) {
    // Each gateway gets a seed of its own, so that a peer that guesses the hashes of one learns nothing about another.
    Rng seeds(seed);
    for (LinkOptions& one : options)
        gateways_.push_back(std::make_unique<One>(std::move(one), services, log, seeds.next(), services.driver.now()));
}

Gateways::~Gateways() = default;

void Gateways::start(Instant now) {
    // All listeners are started even if one fails, so that the log names every mistake at once.
    for (const auto& one : gateways_) {
        if (auto problem = one->start(now); problem && !problem_) problem_ = std::move(problem);
    }
}

void Gateways::turn(Instant now) {
    for (const auto& one : gateways_) one->turn(now);
}

bool Gateways::wants_turn() const {
    return std::any_of(gateways_.begin(), gateways_.end(), [](const auto& one) { return one->wants_turn(); });
}

void Gateways::on_time(Instant now) {
    for (const auto& one : gateways_) {
        if (now >= one->next_deadline()) one->on_time(now);
    }
}

Instant Gateways::next_deadline() const {
    Instant next = never;
    for (const auto& one : gateways_) next = std::min(next, one->next_deadline());
    return next;
}

void Gateways::stop(Instant now) {
    for (const auto& one : gateways_) one->stop(now);
}

bool Gateways::is_stopped() const {
    return std::all_of(gateways_.begin(), gateways_.end(), [](const auto& one) { return one->is_stopped(); });
}

void Gateways::set_devices(const std::string& listener, const mqttsn::DeviceTable& table,
                           const std::string& counters_file) {
    const auto found = std::ranges::find(gateways_, listener, [](const auto& one) { return one->name(); });
    // A reload adds no listener for devices, so the configuration in force names only those that exist.
    LEDGE_ASSERT(found != gateways_.end());
    (*found)->set_devices(table, counters_file, driver_.now());
}

void Gateways::add_duplicates(std::vector<os::GivenSocket>& to) const {
    for (const auto& one : gateways_) one->add_duplicate(to);
}

std::vector<LinkFigures> Gateways::figures() const {
    // In the order of the configuration, so that two readings can be compared line by line.
    std::vector<LinkFigures> all;
    for (const auto& one : gateways_) all.push_back(one->figures());
    return all;
}

std::vector<std::string> Gateways::places() const {
    std::vector<std::string> all;
    for (const auto& one : gateways_) all.push_back(one->place());
    return all;
}

}  // namespace ledge::link
