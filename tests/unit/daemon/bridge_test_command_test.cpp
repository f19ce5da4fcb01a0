// `ledgemq bridge test` against a real broker loop, or a scripted server, on another thread. Nothing sleeps: every wait
// ends with an answer, or with a time limit of the configuration.
#include "bridge_test_command.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <thread>

#include "../net/tls/pki.hpp"
#include "ledge/auth/acl.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/auth/password_hash.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/config/load.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/runtime/broker_loop.hpp"

using namespace ledge;
using namespace ledge::daemon;

namespace {

const Log silent;

/// A broker of ours on another thread, until the end of the scope.
class Broker {
public:
    explicit Broker(std::shared_ptr<const auth::Policy> policy = nullptr, bool speaks_tls = false,
                    bool is_web = false) {
        runtime::BrokerLoopOptions options;
        options.handles_signals = false;
        options.shard.sys_interval = Duration(0);
        broker::ListenerOptions listener;
        listener.name = "test";
        listener.allow_anonymous = policy == nullptr || !policy->passwords;
        options.shard.listeners.push_back(listener);
        options.policy = std::move(policy);
        transport::Endpoint endpoint;
        endpoint.port = 0;
        options.endpoints.push_back(endpoint);
        runtime::FrontOptions front;
        if (speaks_tls) front.tls = net::server_options();
        if (is_web) front.websocket.emplace();
        options.fronts.push_back(front);
        loop_ = std::move(*runtime::BrokerLoop::create(std::move(options), silent));
        const std::string address = loop_->addresses().front();
        port = address.substr(address.rfind(':') + 1);
        thread_ = std::thread([this] { loop_->run(); });
    }
    ~Broker() {
        loop_->request_stop();
        thread_.join();
    }
    std::string port;

private:
    std::unique_ptr<runtime::BrokerLoop> loop_;
    std::thread thread_;
};

/// A socket of the loopback interface with a port of its own.
os::Descriptor bound_socket(std::string& port) {
    os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const os::SocketAddress address = os::SocketAddress::loopback_ipv4(0);
    REQUIRE(::bind(socket.get(), address.get(), address.size()) == 0);
    port = std::to_string(os::own_address(socket.get()).port());
    return socket;
}

/// Answers the first bytes of each connection by the next of its texts; "" = it closes. Then it reads to the end.
class Script {
public:
    explicit Script(std::vector<std::string> answers) : socket_(bound_socket(port)) {
        REQUIRE(::listen(socket_.get(), 4) == 0);
        thread_ = std::thread([this, answers = std::move(answers)] {
            for (const std::string& answer : answers) serve(answer);
        });
    }
    ~Script() {
        if (thread_.joinable()) thread_.join();
    }
    /// Waits until all answers have been asked for. Afterwards `received` may be read.
    void join() { thread_.join(); }
    std::string port;
    std::string received;  // the first bytes of all connections

private:
    void serve(const std::string& answer) {
        const os::Descriptor peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::array<char, 1024> buffer;
        ssize_t count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
        if (count > 0) received.append(buffer.data(), static_cast<std::size_t>(count));
        if (answer.empty()) return;
        ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        while (::recv(peer.get(), buffer.data(), buffer.size(), 0) > 0) {
        }
    }

    os::Descriptor socket_;
    std::thread thread_;
};

struct Answer {
    int status = -1;
    std::string text;
    std::string complaint;
    bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
};

Answer test(const std::string& bridge_toml, const std::string& topic = {}, const std::string& name = "cloud") {
    const config::Loaded loaded = config::parse(bridge_toml, {});
    for (const config::Complaint& complaint : loaded.complaints) FAIL(complaint.line());
    Answer answer;
    answer.status = test_bridge(
        {name, topic}, loaded.config, [&](std::string_view line) { answer.text += std::string(line) + "\n"; },
        [&](std::string_view line) { answer.complaint += std::string(line) + "\n"; });
    return answer;
}

const std::string keys = "client_id = 'gw'\nconnect_timeout_s = 5\nconnack_timeout_s = 5\nsuback_timeout_s = 5\n";
const std::string route_in = "[[bridges.cloud.routes]]\ndirection = 'in'\nfilter = 'cmd/#'\nqos = 1\n";
const std::string route_out = "[[bridges.cloud.routes]]\ndirection = 'out'\nfilter = 'plant/#'\n";

std::string bridge_to(const std::string& urls, const std::string& more = route_in) {
    return "[bridges.cloud]\nurls = [" + urls + "]\n" + keys + more;
}

std::string url_of(const std::string& port, const std::string& scheme = "mqtt") {
    return "'" + scheme + "://127.0.0.1:" + port + "'";
}

std::shared_ptr<const auth::Policy> policy_of(std::string_view acl, std::string_view user = {}) {
    auto policy = std::make_shared<auth::Policy>();
    if (!acl.empty()) policy->acl = std::move(*auth::Acl::parse(acl, "acl"));
    if (!user.empty()) {
        const auto hash = auth::hash_password(as_bytes("right"), as_bytes("salt"), 1);
        policy->passwords = std::move(*auth::PasswordFile::parse(auth::with_password("", user, hash)));
    }
    return policy;
}

std::string login_with(std::string_view password) {
    const std::string file = net::write_file("bridge-password-" + std::string(password), std::string(password) + "\n");
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    return "user = 'gw'\npassword_file = '" + file + "'\n" + route_in;
}

}  // namespace

TEST_CASE("bridge test: every step against a broker has a line") {
    const Broker broker;
    const Answer answer = test(bridge_to(url_of(broker.port)), "state/test");
    INFO(answer.text);
    CHECK(answer.status == config::exit_ok);
    CHECK(answer.complaint.empty());
    CHECK(answer.text.starts_with("bridge cloud: the test connects as \"gw-test\"\nmqtt://127.0.0.1:" + broker.port +
                                  "\n  name: ok, 127.0.0.1:" + broker.port + "\n  TCP: ok, connected to 127.0.0.1:" +
                                  broker.port + "\n  CONNACK: ok, MQTT 5, no session present"));
    CHECK(answer.has("\n  SUBACK \"cmd/#\": ok, QoS 1\n  PUBACK \"state/test\": ok"));
    CHECK(answer.text.ends_with("1 of 1 urls work\n"));
}

TEST_CASE("bridge test: without --topic nothing is published, and without incoming routes nothing is subscribed to") {
    const Broker broker;
    const Answer answer = test(bridge_to(url_of(broker.port), route_out));
    INFO(answer.text);
    CHECK(answer.status == config::exit_ok);
    CHECK_FALSE(answer.has("SUBACK"));
    CHECK_FALSE(answer.has("PUBACK"));
}

TEST_CASE("bridge test: WebSocket is a step of its own") {
    const Broker broker(nullptr, false, true);
    const Answer answer = test(bridge_to("'ws://127.0.0.1:" + broker.port + "/mqtt'"));
    INFO(answer.text);
    CHECK(answer.status == config::exit_ok);
    CHECK(answer.has("\n  WebSocket: ok"));
    CHECK(answer.has("\n  SUBACK \"cmd/#\": ok"));
    const Broker without_web;
    const Answer wrong = test(bridge_to("'ws://127.0.0.1:" + without_web.port + "/mqtt'"));
    INFO(wrong.text);
    CHECK(wrong.status == config::exit_failure);
    CHECK(wrong.has("\n  WebSocket: failed, "));
    CHECK_FALSE(wrong.has("CONNACK"));
}

TEST_CASE("bridge test: the password file is used, and a wrong password is told") {
    const Broker broker(policy_of("", "gw"));
    const Answer right = test(bridge_to(url_of(broker.port), login_with("right")));
    INFO(right.text);
    CHECK(right.status == config::exit_ok);
    CHECK(right.has("\n  note: this url does not encrypt the password"));
    const Answer wrong = test(bridge_to(url_of(broker.port), login_with("wrong")));
    INFO(wrong.text);
    CHECK(wrong.status == config::exit_failure);
    CHECK(wrong.has("\n  CONNACK: failed, MQTT 5: the upstream refuses the connection: "));
    CHECK_FALSE(wrong.has("SUBACK"));
}

TEST_CASE("bridge test: one url that works is enough, and all are tried") {
    std::string closed;
    const os::Descriptor unused = bound_socket(closed);
    const Broker broker;
    const Answer answer = test(bridge_to(url_of(closed) + ", " + url_of(broker.port)));
    INFO(answer.text);
    CHECK(answer.status == config::exit_ok);
    CHECK(answer.has("\n  name: ok, 127.0.0.1:" + closed + "\n  TCP: failed, 127.0.0.1:" + closed + ": "));
    CHECK(answer.text.ends_with("1 of 2 urls work\n"));
    CHECK(test(bridge_to(url_of(closed))).status == config::exit_failure);
}

TEST_CASE("bridge test: a refused filter is named, and the url does not work wholly") {
    const Broker broker(policy_of("topic readwrite cmd/#"));
    const std::string other = "[[bridges.cloud.routes]]\ndirection = 'in'\nfilter = 'secret/#'\nqos = 1\n";
    const Answer answer = test(bridge_to(url_of(broker.port), route_in + other), "forbidden");
    INFO(answer.text);
    CHECK(answer.status == config::exit_failure);
    CHECK(answer.has("\n  SUBACK \"cmd/#\": ok, QoS 1\n"));
    CHECK(answer.has("\n  SUBACK \"secret/#\": failed, refused with 0x87 not_authorized\n"));
    CHECK(answer.has("\n  PUBACK \"forbidden\": failed, refused with 0x87 not_authorized\n"));
}

TEST_CASE("bridge test: a server that speaks no MQTT is recognised, and its bytes do not reach the terminal") {
    Script script({"SSH-2.0-\x1b[2Jx\r\n"});
    const Answer answer = test(bridge_to(url_of(script.port)));
    INFO(answer.text);
    CHECK(answer.status == config::exit_failure);
    CHECK(answer.has("\n  CONNACK: failed, MQTT 5: the upstream breaks the protocol: "));
    CHECK(answer.has("(the server speaks SSH: use the MQTT port)"));
    CHECK(answer.text.find('\x1b') == std::string::npos);
}

TEST_CASE("bridge test: an upstream that only speaks 3.1.1 is asked again in 3.1.1, on a connection of its own") {
    const std::string connack("\x20\x02\x00\x00", 4);
    std::string first;
    SUBCASE("it answers code 1") { first = std::string("\x20\x02\x00\x01", 4); }
    SUBCASE("it closes without a byte") {}
    Script script({first, connack});
    const Answer answer = test(bridge_to(url_of(script.port), route_out));
    INFO(answer.text);
    CHECK(answer.status == config::exit_ok);
    CHECK(answer.has("\n  CONNACK: failed, MQTT 5: "));
    CHECK(answer.has("; next: MQTT 3.1.1\n  name: ok"));
    CHECK(answer.has("\n  CONNACK: ok, MQTT 3.1.1, no session present\n"));
}

TEST_CASE("bridge test: each dialect is tried once") {
    Script script({"", ""});
    const Answer answer = test(bridge_to(url_of(script.port), route_out));
    INFO(answer.text);
    CHECK(answer.status == config::exit_failure);
    CHECK(answer.has("CONNACK: failed, MQTT 3.1.1: the connection has ended"));
}

TEST_CASE("bridge test: a silent server costs the time limit of the configuration") {
    std::string port;
    const os::Descriptor socket = bound_socket(port);
    REQUIRE(::listen(socket.get(), 4) == 0);  // the kernel accepts, and nobody answers
    const std::string quick = "client_id = 'gw'\nconnack_timeout_s = 1\n";
    const Answer answer = test("[bridges.cloud]\nurls = [" + url_of(port) + "]\n" + quick + route_in);
    INFO(answer.text);
    CHECK(answer.status == config::exit_failure);
    CHECK(answer.has("\n  CONNACK: failed, MQTT 5: "));
}

TEST_CASE("bridge test: TLS shows the certificate; before its verification no byte of MQTT is sent") {
    const std::string ca = "[bridges.cloud.tls]\nca = '" + net::pki_folder() + "/";
    const std::string login = login_with("right");
    const Broker broker(nullptr, true);
    const std::string url = "'mqtts://localhost:" + broker.port + "'";
    const Answer answer = test(bridge_to(url, ca + "ca.pem'\n" + route_in));
    INFO(answer.text);
    CHECK(answer.status == config::exit_ok);
    CHECK(answer.has("\n  TLS: ok, TLSv1."));
    CHECK(answer.has("valid until 20"));
    const Answer wrong = test(bridge_to(url, login + ca + "other.pem'\n"));
    INFO(wrong.text);
    CHECK(wrong.status == config::exit_failure);
    CHECK(wrong.has("\n  TLS: failed, "));
    CHECK_FALSE(wrong.has("CONNACK"));
    Script script({"\x20\x02"});  // a server of plain MQTT at the port of mqtts://
    const Answer plain = test(bridge_to("'mqtts://localhost:" + script.port + "'", login + ca + "ca.pem'\n"));
    INFO(plain.text);
    CHECK(plain.has("\n  TLS: failed, "));
    script.join();
    CHECK(script.received.starts_with("\x16\x03"));  // ClientHello
    CHECK(script.received.find("right") == std::string::npos);
}

TEST_CASE("bridge test: a mistake in the request names what there is") {
    const std::string two = bridge_to("'mqtt://127.0.0.1:1'") + "[bridges.b]\nurls = ['mqtt://127.0.0.1:2']\n" +
                            "[[bridges.b.routes]]\ndirection = 'out'\nfilter = 'x/#'\n";
    const Answer unknown = test(two, {}, "clod");
    CHECK(unknown.status == config::exit_bad_configuration);
    CHECK(unknown.text.empty());
    CHECK(unknown.complaint.starts_with("the configuration has no bridge \"clod\"; its bridges are: "));
    CHECK(unknown.complaint.find("cloud") != std::string::npos);
    CHECK(test("", {}, "cloud").complaint ==
          "the configuration has no bridge \"cloud\", and no other bridge either; is the file given with -c FILE?\n");
    const Answer topic = test(two, "a/#");
    CHECK(topic.status == config::exit_bad_configuration);
    CHECK(topic.complaint == "--topic \"a/#\" is not the name of a topic\n");
}
