// Load for a broker with a store: one thread, both ends of every message, every delivery checked for loss and order.
//
//     store_load online  --port P [--pairs 10] [--window 100] [--seconds 5]   persistent subscribers that keep up
//     store_load open    --port P                                             a session for what follows, and leave it
//     store_load publish --port P [--pubs 100] [--window 20] [--count 100000] into the queue of that session
//     store_load drain   --port P [--count 100000]                            all of it, in order
//     store_load retain  --port P [--topics 10000] [--rate 50] [--seconds 60] retained updates; rate 0: --count at once
//
// `open`, `publish` and `drain` use one topic, or with --topic-bytes one topic of this size per publisher, below
// "offline/". `publish` sends at most --pace messages a second (0 = as many as the window allows). MQTT 3.1.1, QoS 1,
// payloads of --payload-bytes (100, at least 8). Ends with a line of KEY=VALUE; exit 1 when a message is lost, comes
// twice as new or out of order, 2 when the broker does not answer.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int stall_ms_max = 20'000;  // without any byte from the broker

[[noreturn]] void fail(int code, const std::string& reason) {
    std::fprintf(stderr, "store_load: %s\n", reason.c_str());
    std::exit(code);
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Options {
    std::string command;
    std::map<std::string, long> values{{"port", 1883},         {"pairs", 10},      {"window", 0}, {"seconds", 5},
                                       {"pubs", 100},          {"count", 100000},  {"rate", 50},  {"topics", 10000},
                                       {"payload-bytes", 100}, {"topic-bytes", 0}, {"pace", 0}};
    long operator[](const char* name) const { return values.at(name); }
};

Options parse(int argc, char** argv) {
    Options options;
    if (argc > 1) options.command = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string name = std::string(argv[i]).substr(std::min<std::size_t>(2, std::strlen(argv[i])));
        if (!options.values.contains(name)) fail(2, "unknown option " + std::string(argv[i]));
        options.values[name] = std::strtol(argv[i + 1], nullptr, 10);
    }
    return options;
}

// ---------------------------------------------------------------------------------------------------------------------
// Packets

std::string two_bytes(std::size_t value) { return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)}; }

std::string packet(int first, const std::string& body) {
    std::string text(1, static_cast<char>(first));
    std::size_t left = body.size();
    do {
        const std::size_t digit = left % 128;
        left /= 128;
        text += static_cast<char>(digit | (left > 0 ? 128U : 0U));
    } while (left > 0);
    return text + body;
}

std::string connect_packet(const std::string& client_id, bool clean) {
    return packet(0x10, two_bytes(4) + "MQTT" + '\x04' + (clean ? '\x02' : '\0') + two_bytes(0) +
                            two_bytes(client_id.size()) + client_id);
}

std::string subscribe_packet(const std::string& filter) {
    return packet(0x82, two_bytes(1) + two_bytes(filter.size()) + filter + '\x01');
}

/// The payload starts with the number.
std::string publish_packet(const std::string& topic, std::size_t id, std::uint64_t number, bool retain,
                           std::size_t payload_bytes) {
    std::string payload(payload_bytes, 'x');
    std::memcpy(payload.data(), &number, sizeof number);
    return packet(retain ? 0x33 : 0x32, two_bytes(topic.size()) + topic + two_bytes(id) + payload);
}

// ---------------------------------------------------------------------------------------------------------------------
// Connections

class Client {
public:
    virtual ~Client() = default;

    Client(int epoll, long port) {
        descriptor_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            fail(2, std::string("cannot connect: ") + std::strerror(errno));
        const int on = 1;
        ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{EPOLLIN, {.ptr = this}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor_, &event);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Not in the constructor: what the broker sends right behind CONNACK is for the derived class.
    void log_in(const std::string& client_id, bool clean) { ask(connect_packet(client_id, clean), '\x20'); }

    /// Blocks until a packet of this type has come; others are handed on.
    void ask(const std::string& request, char type) {
        out_ += request;
        flush();
        has_answer_ = false;
        for (awaited_ = type; !has_answer_;) {
            pollfd waited{descriptor_, POLLIN, 0};
            if (::poll(&waited, 1, stall_ms_max) <= 0) fail(2, "no answer from the broker");
            read();
        }
        awaited_ = 0;
    }

    void read() {
        char buffer[65536];
        const ssize_t count = ::recv(descriptor_, buffer, sizeof buffer, 0);
        if (count <= 0) fail(2, "the broker closed a connection");
        in_.append(buffer, static_cast<std::size_t>(count));
        std::size_t at = 0;
        while (const std::size_t size = frame_at(at)) {
            take(std::string_view(in_).substr(at, size));
            at += size;
        }
        in_.erase(0, at);
        flush();
    }

    void flush() {
        for (std::size_t sent = 0; sent < out_.size();) {
            const ssize_t count = ::send(descriptor_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) fail(2, "the broker closed a connection");
            sent += static_cast<std::size_t>(count);
        }
        out_.clear();
    }

    void leave() {
        out_ += packet(0xE0, "");
        flush();
        ::close(descriptor_);
    }

protected:
    virtual void on_puback(std::size_t) {}
    virtual void on_publish(std::uint64_t) {}
    std::string out_;

private:
    /// Size of the whole packet that starts there; 0: it is not complete.
    std::size_t frame_at(std::size_t at) const {
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4 && at + 1 + i < in_.size(); ++i) {
            const auto digit = static_cast<unsigned char>(in_[at + 1 + i]);
            length |= static_cast<std::size_t>(digit & 127U) << (7 * i);
            if (digit < 128) return at + 2 + i + length <= in_.size() ? 2 + i + length : 0;
        }
        return 0;
    }

    void take(std::string_view frame) {
        if (awaited_ != 0 && frame[0] == awaited_) has_answer_ = true;
        if ((frame[0] & '\xF0') == '\x40') on_puback(number_at(frame, 2));
        if ((frame[0] & '\xF0') != '\x30') return;
        const std::size_t body = static_cast<unsigned char>(frame[1]) < 128 ? 2 : 3;
        const std::size_t id_at = body + 2 + number_at(frame, body);
        std::uint64_t number = 0;
        std::memcpy(&number, frame.data() + id_at + 2, sizeof number);
        out_ += packet(0x40, std::string(frame.substr(id_at, 2)));
        on_publish(number);
    }

    static std::size_t number_at(std::string_view frame, std::size_t at) {
        return static_cast<std::size_t>(static_cast<unsigned char>(frame[at])) << 8U |
               static_cast<unsigned char>(frame[at + 1]);
    }

    int descriptor_ = -1;
    std::string in_;
    char awaited_ = 0;
    bool has_answer_ = false;
};

class Loop {
public:
    int descriptor() const { return epoll_; }

    void turn(int wait_ms = stall_ms_max) {
        epoll_event events[64];
        const int count = ::epoll_wait(epoll_, events, 64, wait_ms);
        if (count == 0 && wait_ms == stall_ms_max) fail(1, "nothing has come for 20 s: messages are missing");
        for (int i = 0; i < count; ++i) static_cast<Client*>(events[i].data.ptr)->read();
    }

private:
    int epoll_ = ::epoll_create1(0);
};

/// Keeps at most `window` messages under way, until it is told to stop or `count` is reached.
class Publisher : public Client {
public:
    Publisher(Loop& loop, const Options& options, const std::string& name, std::string topic, long window,
              std::uint64_t first, std::uint64_t count)
        : Client(loop.descriptor(), options["port"]),
          payload_bytes_(static_cast<std::size_t>(options["payload-bytes"])),
          topic_(std::move(topic)),
          window_(static_cast<std::uint64_t>(window)),
          first_(first),
          count_(count) {
        log_in(name, true);
    }

    void fill() {
        while (!is_stopped_ && sent_ < count_ && sent_ < std::min(acked_, released_) + window_) {
            out_ += publish_packet(topic_, sent_ % 60'000 + 1, first_ + sent_, false, payload_bytes_);
            ++sent_;
        }
    }
    void stop() { is_stopped_ = true; }
    /// A subscriber has got one more; for those that wait for that, too.
    void release() { ++released_; }
    void release_to(std::uint64_t count) { released_ = count; }
    void release_all() { released_ = ~std::uint64_t{0} - window_; }
    bool is_done() const { return acked_ == sent_ && (is_stopped_ || sent_ == count_); }
    std::uint64_t sent() const { return sent_; }

private:
    void on_puback(std::size_t) override {
        ++acked_;
        fill();
    }

    std::size_t payload_bytes_;
    std::string topic_;
    std::uint64_t window_;
    std::uint64_t first_;
    std::uint64_t count_;
    std::uint64_t sent_ = 0;
    std::uint64_t acked_ = 0;
    std::uint64_t released_ = 0;
    bool is_stopped_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------

class PairedSubscriber : public Client {
public:
    PairedSubscriber(Loop& loop, long port, const std::string& name, Publisher& publisher)
        : Client(loop.descriptor(), port), publisher_(publisher) {
        log_in(name, false);
    }
    std::uint64_t received() const { return received_; }

private:
    void on_publish(std::uint64_t number) override {
        if (number != received_) fail(1, "out of order, lost or twice");
        ++received_;
        publisher_.release();
        publisher_.fill();
        publisher_.flush();
    }
    Publisher& publisher_;
    std::uint64_t received_ = 0;
};

int run_online(const Options& options) {
    Loop loop;
    const long window = options["window"] > 0 ? options["window"] : 100;
    std::vector<std::unique_ptr<Publisher>> publishers;
    std::vector<std::unique_ptr<PairedSubscriber>> subscribers;
    for (long i = 0; i < options["pairs"]; ++i) {
        const std::string name = std::to_string(i);
        publishers.push_back(std::make_unique<Publisher>(loop, options, "pub-" + name, "online/" + name, window, 0,
                                                         ~std::uint64_t{0} - 1));
        subscribers.push_back(
            std::make_unique<PairedSubscriber>(loop, options["port"], "sub-" + name, *publishers.back()));
        subscribers.back()->ask(subscribe_packet("online/" + name), '\x90');
    }
    const auto received = [&] {
        std::uint64_t sum = 0;
        for (const auto& subscriber : subscribers) sum += subscriber->received();
        return sum;
    };
    for (const auto& publisher : publishers) {
        publisher->fill();
        publisher->flush();
    }
    const Clock::time_point begin = Clock::now();
    while (seconds_since(begin) < static_cast<double>(options["seconds"])) loop.turn();
    const double seconds = seconds_since(begin);
    const std::uint64_t in_time = received();
    for (const auto& publisher : publishers) publisher->stop();
    const auto is_done = [&] {
        std::uint64_t sent = 0;
        for (const auto& publisher : publishers) sent += publisher->sent();
        return received() == sent && std::ranges::all_of(publishers, [](const auto& p) { return p->is_done(); });
    };
    while (!is_done()) loop.turn();
    std::printf("messages=%llu rate=%.0f\n", static_cast<unsigned long long>(received()),
                static_cast<double>(in_time) / seconds);
    return 0;
}

/// The topic of a publisher for a session that is away.
std::string offline_topic(const Options& options, long publisher) {
    const auto size = static_cast<std::size_t>(options["topic-bytes"]);
    if (size == 0) return "offline";
    std::string topic = "offline/" + std::to_string(publisher) + "/";
    topic.resize(std::max(size, topic.size()), 't');
    return topic;
}

int run_open(const Options& options) {
    Loop loop;
    Client session(loop.descriptor(), options["port"]);
    session.log_in("offline", false);
    session.ask(subscribe_packet(options["topic-bytes"] == 0 ? "offline" : "offline/#"), '\x90');
    session.leave();
    return 0;
}

int run_publish(const Options& options) {
    Loop loop;
    const long window = options["window"] > 0 ? options["window"] : 20;
    const auto each = static_cast<std::uint64_t>(options["count"] / options["pubs"]);
    std::vector<std::unique_ptr<Publisher>> publishers;
    for (long i = 0; i < options["pubs"]; ++i) {
        publishers.push_back(std::make_unique<Publisher>(loop, options, "pub-" + std::to_string(i),
                                                         offline_topic(options, i), window,
                                                         static_cast<std::uint64_t>(i) << 32U, each));
        if (options["pace"] == 0) publishers.back()->release_all();
    }
    const auto fill_all = [&] {
        for (const auto& publisher : publishers) {
            publisher->fill();
            publisher->flush();
        }
    };
    const Clock::time_point begin = Clock::now();
    fill_all();
    const double pace_each = static_cast<double>(options["pace"]) / static_cast<double>(options["pubs"]);
    while (!std::ranges::all_of(publishers, [](const auto& p) { return p->is_done(); })) {
        loop.turn(options["pace"] == 0 ? stall_ms_max : 1);
        if (options["pace"] == 0) continue;
        const auto due = static_cast<std::uint64_t>(seconds_since(begin) * pace_each);
        for (const auto& publisher : publishers) publisher->release_to(due);
        fill_all();
    }
    const double seconds = seconds_since(begin);
    const double messages = static_cast<double>(each) * static_cast<double>(options["pubs"]);
    std::printf("messages=%.0f rate=%.0f\n", messages, messages / seconds);
    return 0;
}

class Drainer : public Client {
public:
    Drainer(Loop& loop, long port) : Client(loop.descriptor(), port) { log_in("offline", false); }
    long received() const { return received_; }

private:
    void on_publish(std::uint64_t number) override {
        const std::uint64_t publisher = number >> 32U;
        if ((number & 0xFFFF'FFFFU) != next_[publisher]++) fail(1, "out of order, lost or twice");
        ++received_;
    }
    std::map<std::uint64_t, std::uint64_t> next_;
    long received_ = 0;
};

int run_drain(const Options& options) {
    Loop loop;
    const Clock::time_point begin = Clock::now();
    Drainer drainer(loop, options["port"]);
    while (drainer.received() < options["count"]) loop.turn();
    const double seconds = seconds_since(begin);
    drainer.leave();
    std::printf("messages=%ld rate=%.0f\n", drainer.received(), static_cast<double>(drainer.received()) / seconds);
    return 0;
}

class Updater : public Client {
public:
    Updater(Loop& loop, const Options& options)
        : Client(loop.descriptor(), options["port"]),
          payload_bytes_(static_cast<std::size_t>(options["payload-bytes"])) {
        log_in("updater", true);
    }

    void update(long topic) {
        const std::size_t id = sent_ % 60'000 + 1;
        sent_at_.push_back(Clock::now());
        out_ += publish_packet("device/" + std::to_string(topic) + "/state", id, sent_++, true, payload_bytes_);
        flush();
    }
    std::size_t under_way() const { return sent_ - delays_ms_.size(); }
    std::vector<double>& delays_ms() { return delays_ms_; }

private:
    void on_puback(std::size_t) override { delays_ms_.push_back(1000 * seconds_since(sent_at_[delays_ms_.size()])); }

    std::size_t payload_bytes_;
    std::size_t sent_ = 0;
    std::vector<Clock::time_point> sent_at_;
    std::vector<double> delays_ms_;
};

int run_retain(const Options& options) {
    Loop loop;
    Updater updater(loop, options);
    const Clock::time_point begin = Clock::now();
    std::minstd_rand random(1);
    const long count = options["rate"] > 0 ? options["rate"] * options["seconds"] : options["count"];
    for (long i = 0; i < count; ++i) {
        if (options["rate"] > 0) {
            const double due = static_cast<double>(i) / static_cast<double>(options["rate"]);
            while (seconds_since(begin) < due) loop.turn(1);
            updater.update(static_cast<long>(random() % static_cast<unsigned long>(options["topics"])));
        } else {
            while (updater.under_way() >= 200) loop.turn();
            updater.update(i % options["topics"]);
        }
    }
    while (updater.under_way() > 0) loop.turn();
    std::vector<double>& delays = updater.delays_ms();
    std::ranges::sort(delays);
    std::printf("messages=%ld rate=%.0f ack_ms_median=%.1f ack_ms_max=%.1f\n", count,
                static_cast<double>(count) / seconds_since(begin), delays[delays.size() / 2], delays.back());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    if (options["payload-bytes"] < 8) fail(2, "a payload has at least the 8 bytes of its number");
    if (options.command == "online") return run_online(options);
    if (options.command == "open") return run_open(options);
    if (options.command == "publish") return run_publish(options);
    if (options.command == "drain") return run_drain(options);
    if (options.command == "retain") return run_retain(options);
    fail(2, "store_load online|open|publish|drain|retain --port P ...");
}
