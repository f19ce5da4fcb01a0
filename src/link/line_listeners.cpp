// LineListeners: a port, a lines::LinePort and a client of the broker for each serial listener with mode = "lines".
// This file decides when the port is read and written; lines::LinePort decides what the bytes mean.
#include "ledge/link/line_listeners.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "kept_port.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/session_facts.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/inner/inner_client.hpp"
#include "ledge/lines/line_port.hpp"
#include "ledge/link/line_metrics.hpp"
#include "ledge/transport/driver.hpp"
#include "told_facts.hpp"

namespace ledge::link {

namespace {

constexpr std::size_t line_read_bytes_max = 4096;  // of one turn: what a tty holds
constexpr std::size_t line_read_bytes_min = 64;
/// While lines wait, the port is not read for this long at most. At 921,600 baud 1.8 KiB come meanwhile, and a tty
/// holds 4 KiB.
constexpr Duration read_pause = 20ms;
constexpr Duration loss_report_pause = 1min;  // between two log lines about the losses of one listener

inner::InnerClientOptions inner_client_options(const LineListenerOptions& options, const lines::LinePort& lines) {
    inner::InnerClientOptions inner;
    inner.listener = options.listener;
    inner.address = "serial:" + options.line.path;
    inner.user = options.client_id;
    // The session survives a restart: commands that came meanwhile wait in it.
    inner.client = lines.client_options(options.client_id);
    if (!options.lines.command_topic.empty())
        inner.filters.push_back({options.lines.command_topic, lines::LinePort::command_subscription()});
    return inner;
}

}  // namespace

/// One listener: port, lines, client.
class LineListeners::One {
public:
    One(LineListenerOptions options, const runtime::LoopServices& services, const Log& log)
        : options_(std::move(options)),
          shard_(services.shard),
          // The driver's buffer, as sockets use it: nobody needs its content after a read.
          buffer_(services.driver.read_buffer()),
          log_(log),
          port_(services.driver.poller(), options_.line),
          lines_(options_.lines, services.driver.now()),
          client_(services.driver, inner_client_options(options_, lines_)),
          facts_(line_topics_begin, options_.name) {}

    /// The client first: lines that are read before it has connected wait in lines_.
    void start(Instant now) {
        client_.start(now);
        open(now);
        publish(now);
    }

    /// Lines in, then the answers of the broker, which make room for further lines, then commands out.
    void turn(Instant now) {
        read(now);
        take_events(now);
        lines_.pump(client_.client());
        if (!lines_.is_half_full()) put_off_reading(never);
        write(now);
        client_.turn(now);
        tell_losses(now);
    }

    bool wants_turn() const {
        return (port_.port().may_read() && read_at_ == never) || client_.wants_turn() || client_.has_input() ||
               lines_.wants_pump(client_.client()) || wants_write();
    }

    void on_time(Instant now) {
        if (now >= port_.retry_at()) open(now);
        if (now >= client_.next_deadline()) client_.on_time(now);
        if (now >= read_at_) {
            put_off_reading(never);
            read(now);
        }
        if (now >= drained_at_) {
            drained_at_ = never;
            write(now);
        }
        if (now >= report_at_) tell_losses(now);
        if (now >= next_facts_) publish(now);
    }

    Instant next_deadline() const {
        return std::min({port_.retry_at(), client_.next_deadline(), read_at_, drained_at_, report_at_, next_facts_});
    }

    /// The turn at once: the broker closes all connections next, and the state has to be told before.
    void stop(Instant now) {
        is_stopping_ = true;
        next_facts_ = report_at_ = read_at_ = drained_at_ = never;
        take_events(now);
        if (lines_.is_open()) close_lines();
        port_.close();
        lines_.pump(client_.client());
        client_.turn(now);
        client_.stop(now);
        client_.turn(now);
    }

    /// The client ends when the broker has the last state message, so that subscribers learn that the port is closed.
    bool is_stopped() const { return is_stopping_ && client_.is_stopped(); }

    LineFigures figures() const {
        LineFigures figures;
        figures.name = options_.name;
        figures.place = port_.place();
        figures.is_open = lines_.is_open();
        figures.last_problem = port_.problem();
        figures.opened = port_.opened();
        // Lines that the client holds are not with the broker yet either.
        figures.waiting = lines_.waiting() + client_.client().held_messages();
        figures.commands_waiting = lines_.waiting_commands();
        figures.lines = lines_.counters();
        return figures;
    }

private:
    /// What the device has sent before is unknown: the first bytes may be the rest of a line, which lines_ drops.
    void open(Instant now) {
        if (!port_.open(now)) return tell_problem();
        log_.info("serial_port_opened", {{"listener", options_.name}, {"port", options_.line.path}});
        lines_.opened(now);
    }

    /// The rest of a line is no line. A command that the system had not sent yet stays, and is written again.
    void close_lines() {
        lines_.closed();
        read_at_ = drained_at_ = never;
    }

    /// After each use of the port, which is where a lost port is noticed.
    void close_if_lost(Instant now) {
        if (!port_.close_if_lost(now)) return;
        close_lines();
        tell_problem();
    }

    /// A port that stays away for days is one line in the log.
    void tell_problem() {
        if (!port_.has_new_problem()) return;
        log_.warning("serial_port_closed",
                     {{"listener", options_.name}, {"port", options_.line.path}, {"reason", port_.problem()}});
    }

    /// The poller is told, too: it would wake the loop for the waiting bytes again and again during the pause.
    void put_off_reading(Instant until) {
        read_at_ = until;
        port_.port().set_reading(until == never);
    }

    void read(Instant now) {
        if (!port_.port().may_read() || (read_at_ != never && now < read_at_)) return;
        // A line has two bytes at least, so one read fills the other half of what may wait at most.
        const std::size_t size =
            std::clamp<std::size_t>(options_.lines.lines_waiting_max, line_read_bytes_min, line_read_bytes_max);
        const std::size_t count = port_.port().read(buffer_.first(std::min(buffer_.size(), size)));
        // The buffer is that of all links, so lines_ copies what it keeps.
        if (count > 0) lines_.on_bytes(Bytes(buffer_).first(count), now);
        put_off_reading(lines_.is_half_full() ? now + read_pause : never);
        close_if_lost(now);
    }

    /// A client that cannot connect is told once. Lines wait meanwhile; above their limit the oldest ones are dropped
    /// and counted.
    void take_events(Instant now) {
        for (;;) {
            const client::Event event = client_.next_event(now);
            if (client::is_nothing(event)) break;
            lines_.on_event(event, client_.client(), now);
            if (std::holds_alternative<client::Connected>(event)) end_old_subscriptions();
        }
        if (std::exchange(told_problem_, client_.problem()) != client_.problem() && !client_.problem().empty())
            log_.warning("lines_client_problem", {{"listener", options_.name}, {"reason", client_.problem()}});
    }

    /// Of an earlier configuration, whose command topic was another one.
    void end_old_subscriptions() {
        std::vector<std::string> others;
        for (const broker::SubscriptionFacts& one : shard_.subscriptions_of(options_.client_id))
            if (one.filter != options_.lines.command_topic) others.push_back(one.filter);
        const std::vector<std::string_view> filters(others.begin(), others.end());
        // If the request cannot be sent, the next connection tries again.
        if (!filters.empty()) static_cast<void>(client_.client().unsubscribe(filters));
    }

    /// False while a command is on its way through the system: drained_at_ is then the time to look again.
    bool wants_write() const {
        return port_.port().may_write() && drained_at_ == never && lines_.waiting_commands() > 0;
    }

    /// Writes one command after the other.
    void write(Instant now) {
        while (port_.port().may_write() && lines_.waiting_commands() > 0) {
            if (!write_command(now)) break;
        }
        close_if_lost(now);
    }

    /// True: the command was written as a whole, and another one may follow. What waits in the system would be lost
    /// with the port, so a command counts as written only when nothing waits there any more.
    bool write_command(Instant now) {
        lines_.sent(port_.port().write(lines_.output(client_.client(), now)));
        if (!lines_.has_sent() || port_.port().is_lost()) return false;
        drained_at_ = never;
        if (const std::size_t unsent = port_.port().unsent(); unsent > 0) {
            drained_at_ = now + std::max<Duration>(port_.port().time_of(unsent), 1ms);
            return false;
        }
        lines_.drained(client_.client());
        return true;
    }

    /// Says what was lost, at most once in loss_report_pause. The rest of a line after an opening is no news.
    void tell_losses(Instant now) {
        const lines::Counters& counters = lines_.counters();
        // A noisy line loses something each second, and would fill the log.
        if (counters.losses == told_.losses) return;
        if (now < next_report_) {
            report_at_ = next_report_;
            return;
        }
        for (std::size_t i = 0; i < lines::loss_count; ++i) {
            const auto loss = static_cast<lines::Loss>(i);
            const std::uint64_t count = counters.of(loss) - told_.of(loss);
            // The rest of a line after an opening was never a line.
            if (count == 0 || loss == lines::Loss::stale) continue;
            log_.warning(lines::is_of_command(loss) ? "lines_commands_lost" : "lines_lost",
                         {{"listener", options_.name}, {"reason", lines::name_of(loss)}, {"count", count}});
        }
        // The losses of the pause are in the next line, since told_ stays as it is until then.
        told_ = counters;
        next_report_ = now + loss_report_pause;
        report_at_ = never;
    }

    void publish(Instant now) {
        next_facts_ = facts_.publish(std::span<const LineMetric>(line_metrics), figures(), shard_, now);
    }

    const LineListenerOptions options_;
    broker::Shard& shard_;
    const std::span<Byte> buffer_;
    const Log& log_;
    KeptPort port_;
    lines::LinePort lines_;
    inner::InnerClient client_;
    ToldFacts facts_;
    Instant read_at_ = never;     // when the port is read again; never = as soon as bytes have come
    Instant drained_at_ = never;  // when the system will have sent the present command
    lines::Counters told_;        // whose losses were logged
    Instant next_report_{};       // not before
    Instant report_at_ = never;
    Instant next_facts_ = never;
    // A problem that stays is told once.
    std::string told_problem_;
    // stop() was called: nothing is opened any more, and is_stopped() may become true.
    bool is_stopping_ = false;
};

LineListeners::LineListeners(std::vector<LineListenerOptions> options, const runtime::LoopServices& services,
                             const Log& log) {
    for (LineListenerOptions& one : options) listeners_.push_back(std::make_unique<One>(std::move(one), services, log));
}

LineListeners::~LineListeners() = default;

void LineListeners::start(Instant now) {
    for (const auto& one : listeners_) one->start(now);
}

void LineListeners::turn(Instant now) {
    for (const auto& one : listeners_) one->turn(now);
}

bool LineListeners::wants_turn() const {
    return std::ranges::any_of(listeners_, [](const auto& one) { return one->wants_turn(); });
}

void LineListeners::on_time(Instant now) {
    for (const auto& one : listeners_)
        if (now >= one->next_deadline()) one->on_time(now);
}

Instant LineListeners::next_deadline() const {
    Instant next = never;
    for (const auto& one : listeners_) next = std::min(next, one->next_deadline());
    return next;
}

void LineListeners::stop(Instant now) {
    for (const auto& one : listeners_) one->stop(now);
}

bool LineListeners::is_stopped() const {
    return std::ranges::all_of(listeners_, [](const auto& one) { return one->is_stopped(); });
}

std::vector<LineFigures> LineListeners::figures() const {
    std::vector<LineFigures> all;
    for (const auto& one : listeners_) all.push_back(one->figures());
    return all;
}

}  // namespace ledge::link
