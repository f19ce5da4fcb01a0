// An uplink over TLS: the same core, real sockets and a scripted upstream that shows a certificate.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "ledge/uplink/uplink.hpp"
#include "rig.hpp"

namespace ledge::uplink {
namespace {

using client::publish;
using net::pki_certificate;
using net::pki_folder;
using net::write_file;
using wire::QoS;
using State = Uplink::State;

constexpr Duration operator_pause_max = 10min;  // the longest pause after a mistake that only an operator can correct

std::string content_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    REQUIRE_FALSE(text.str().empty());
    return text.str();
}

/// The server's certificate is signed by the authority of this text.
std::string right_authority() { return content_of(pki_folder() + "/ca.pem"); }

TEST_CASE("TLS: messages pass in both directions, and the log names the server as mqtts") {
    Rig rig;
    rig.secures();
    FakeUpstream& upstream = rig.upstreams.front();
    rig.local->subscribes("cmd/#");
    rig.runs();
    CHECK(rig.has_logged("server=mqtts://127.0.0.1:"));
    rig.local->publishes("plant/a", "1");
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 1; }));
    upstream.sends(publish("site/cmd/b", "on", QoS::at_least_once, 7));
    CHECK(rig.until([&] { return upstream.has("PUBACK 7"); }));
    CHECK(rig.local->got == std::vector<std::string>{"cmd/b on"});
}

TEST_CASE("TLS: messages larger than a record pass in both directions") {
    Rig rig;
    rig.secures();
    FakeUpstream& upstream = rig.upstreams.front();
    rig.local->subscribes("cmd/#");
    rig.runs();
    const std::string payload(50'000, 'x');
    for (int i = 0; i < 20; ++i) rig.local->publishes("plant/a", payload);
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 20; }));
    CHECK(upstream.count("PUBLISH site/plant/a") == 20);
    upstream.sends(publish("site/cmd/b", payload, QoS::at_least_once, 7));
    CHECK(rig.until([&] { return rig.local->got.size() == 1; }));
    CHECK(rig.local->got.front() == "cmd/b " + payload);
}

TEST_CASE("TLS: an upstream that asks for a certificate gets the one of the bridge") {
    Rig rig;
    net::TlsOptions served = net::server_options();
    served.ca_file = pki_folder() + "/ca.pem";
    served.client_certificate = net::TlsOptions::ClientCertificate::required;
    rig.secures(0, served);
    rig.options.tls->certificate = pki_certificate("client");
    rig.runs();
    CHECK(rig.upstreams.front().received.front() == "CONNECT gw");
}

TEST_CASE("TLS: a server with a wrong certificate gets no byte of MQTT, and the log says what is wrong") {
    Rig rig;
    std::string reason;
    SUBCASE("signed by another authority") {
        rig.secures();
        // The certificate of another host, which has signed nothing.
        rig.options.tls->ca_file = pki_certificate("other").certificate_file;
        reason = "not correctly signed by the trusted CA";
    }
    SUBCASE("of another host") {
        net::TlsOptions served = net::server_options();
        served.certificates = {pki_certificate("other")};
        rig.secures(0, served);
        reason = "the certificate is for another address";
    }
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    INFO(rig.uplink->last_problem());
    CHECK(rig.uplink->last_problem().find(reason) != std::string::npos);
    CHECK(rig.has_logged("bridge_unreachable"));
    CHECK(rig.has_logged(reason));
    CHECK(rig.upstreams.front().accepted == 1);
    CHECK(rig.upstreams.front().received.empty());
}

TEST_CASE("TLS: corrected files are used at the next attempt, without a restart") {
    Rig rig;
    rig.secures();
    rig.options.tls->ca_file = write_file("corrected.pem", "no certificate\n");
    rig.starts();
    REQUIRE(rig.uplink->state() == State::pausing);
    CHECK(rig.has_logged("bridge_tls_problem"));
    CHECK(rig.upstreams.front().accepted == 0);
    write_file("corrected.pem", right_authority());
    rig.passes(operator_pause_max);
    CHECK(rig.until_relaying());
}

TEST_CASE("TLS: after a renewal of the files, the next connection uses the new ones") {
    Rig rig;
    rig.secures();
    rig.options.tls->ca_file = write_file("renewed.pem", right_authority());
    rig.runs();
    // The new authority has not signed the server's certificate. The open connection does not mind.
    write_file("renewed.pem", content_of(pki_certificate("other").certificate_file));
    rig.passes(5s);
    CHECK(rig.uplink->relay().stage() == bridge::Relay::Stage::relaying);
    rig.upstreams.front().hangs_up();
    REQUIRE(rig.until_state(State::pausing));
    rig.passes(1s);
    CHECK(rig.until([&] { return rig.has_logged("not correctly signed by the trusted CA"); }));
}

TEST_CASE("TLS: a mistake in changed files is logged once, and the former files stay in use") {
    Rig rig;
    rig.secures();
    FakeUpstream& upstream = rig.upstreams.front();
    rig.options.tls->ca_file = write_file("broken.pem", right_authority());
    rig.runs();
    write_file("broken.pem", "half a certific");
    for (int connections = 2; connections <= 3; ++connections) {
        upstream.hangs_up();
        REQUIRE(rig.until_state(State::pausing));
        rig.passes(5s);
        CHECK(rig.until_relaying());
        CHECK(upstream.accepted == connections);
    }
    CHECK(std::ranges::count_if(rig.log_lines, [](const std::string& line) {
              return line.find("bridge_tls_problem") != std::string::npos;
          }) == 1);
}

TEST_CASE("TLS: close_notify is an end by the peer, and a message without PUBACK is sent again") {
    Rig rig;
    rig.secures();
    FakeUpstream& upstream = rig.upstreams.front();
    rig.runs();
    upstream.acknowledges = false;
    rig.local->publishes("plant/a", "1");
    REQUIRE(rig.until([&] { return upstream.has("PUBLISH site/plant/a"); }));
    upstream.acknowledges = true;
    upstream.hangs_up();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("the upstream has closed the connection"));
    rig.passes(1s);
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 1; }));
    CHECK(upstream.count("PUBLISH site/plant/a") == 2);
}

TEST_CASE("TLS: a stop sends DISCONNECT before the connection is closed") {
    Rig rig;
    rig.secures();
    rig.runs();
    rig.uplink->stop(rig.driver.now());
    REQUIRE(rig.until_state(State::stopped));
    CHECK(rig.until([&] { return rig.upstreams.front().has("DISCONNECT"); }));
}

TEST_CASE("TLS: the preferred server is probed with its certificate before the return to it") {
    Rig rig(2);
    rig.secures(0);
    rig.secures(1);
    FakeUpstream& first = rig.upstreams[0];
    first.stops_listening();
    rig.options.return_first = 1min;
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    rig.passes(1s);
    REQUIRE(rig.until_relaying());

    net::TlsOptions wrong = net::server_options();
    wrong.certificates = {pki_certificate("other")};
    first.speaks_tls(wrong);
    first.listens();
    rig.passes(1min);
    CHECK(rig.until([&] { return first.accepted == 1 && rig.connector.under_way() == 0; }));
    rig.turn();
    CHECK(rig.uplink->server() == rig.upstreams[1].server());
    first.speaks_tls(net::server_options());
    rig.passes(2min);
    CHECK(rig.until([&] { return rig.uplink->server() == first.server() && first.has("CONNECT gw"); }));
}

}  // namespace
}  // namespace ledge::uplink
