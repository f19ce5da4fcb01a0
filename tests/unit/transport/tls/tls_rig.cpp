#include "tls_rig.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tls/tls_secrets.hpp"

namespace ledge::transport {

namespace {

/// Goes away with the program.
struct Folder {
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "ledgemq-pki-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path = name;
        fill();
    }
    ~Folder() { std::filesystem::remove_all(path); }

    void run(const std::string& command) const {
        const std::string line = "cd " + path + " && { " + command + "; } >openssl.log 2>&1";
        if (std::system(line.c_str()) != 0) std::abort();
    }
    void key(const std::string& name) const {
        run("openssl ecparam -name prime256v1 -genkey -noout -out " + name + ".key && chmod 600 " + name + ".key");
    }
    void issue(const std::string& name, const std::string& common_name, const std::string& alternatives) const {
        key(name);
        run("openssl req -new -key " + name + ".key -subj /CN=" + common_name + " -out csr && echo subjectAltName=" +
            alternatives + " >ext && openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 " +
            "-extfile ext -out " + name + ".pem");
    }
    void fill() const {
        key("ca");
        run("openssl req -x509 -new -key ca.key -subj /CN=authority -days 2 -out ca.pem");
        issue("server", "localhost", "DNS:localhost,IP:127.0.0.1");
        issue("other", "other", "DNS:*.many.example");
        issue("client", "meter-7", "DNS:meter-7.example");
    }

    std::string path;
};

constexpr int waits_max = 1000;

}  // namespace

const std::string& pki_folder() {
    static const Folder folder;
    return folder.path;
}

TlsCertificate pki_certificate(const std::string& name) {
    return {pki_folder() + "/" + name + ".pem", pki_folder() + "/" + name + ".key"};
}

std::string write_file(const std::string& name, std::string_view content) {
    const std::string path = pki_folder() + "/" + name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path;
}

TlsOptions server_options() {
    TlsOptions options;
    options.certificates = {pki_certificate("server")};
    return options;
}

TlsClientOptions client_options() {
    TlsClientOptions options;
    options.ca_file = pki_folder() + "/ca.pem";
    return options;
}

// ---------------------------------------------------------------------------------------------------------------------

TlsClient::TlsClient(Rig& of, std::uint16_t port, const TlsClientOptions& options, const std::string& server_name)
    : rig(of) {
    auto context = TlsContext::create(options, TlsSecrets::create());
    REQUIRE_MESSAGE(context.ok(), (context.ok() ? "" : context.error().text));
    Client socket = Client::to_port(port);
    session = TlsSession::create(*context, socket.descriptor, server_name);
    socket.descriptor = -1;
    REQUIRE((session != nullptr));
}

TlsSession::Status TlsClient::step() { return session->handshake(TlsSession::Extent::all); }

bool TlsClient::shakes_hands() {
    for (int i = 0; i < waits_max; ++i) {
        const TlsSession::Status status = step();
        if (status == TlsSession::Status::done) return true;
        if (status == TlsSession::Status::failed || status == TlsSession::Status::ended) return false;
        rig.turn(1);
    }
    return false;
}

void TlsClient::send(std::string_view text) {
    for (int i = 0; i < waits_max && !text.empty(); ++i) {
        const std::array<Bytes, 1> parts{as_bytes(text)};
        const auto sent = session->write(parts);
        if (sent.status == TlsSession::Status::done) text.remove_prefix(sent.bytes);
        rig.turn();
    }
    REQUIRE(text.empty());
}

std::string& TlsClient::reads(std::size_t size) {
    std::array<Byte, 4096> buffer;
    for (int waits = 0; waits < waits_max && received.size() < size && !is_ended;) {
        const auto got = session->read(buffer);
        if (got.status == TlsSession::Status::done) {
            received += as_text(Bytes(buffer).first(got.bytes));
        } else if (got.status == TlsSession::Status::want_read) {
            rig.turn(1);
            ++waits;
        } else {
            is_ended = true;
        }
    }
    return received;
}

// ---------------------------------------------------------------------------------------------------------------------

TlsRig::TlsRig() : workers(std::move(*WorkerPool::create(*poller, 1))) {}

/// The workers outlive whoever gives them work.
TlsRig::~TlsRig() {
    listeners.clear();
    fronts.clear();
}

std::uint16_t TlsRig::listen_tls(const TlsOptions& options) {
    const auto index = static_cast<std::uint16_t>(listeners.size());
    auto front = make_tls_front(index, "secure", options, driver, *workers, log);
    REQUIRE_MESSAGE(front.ok(), (front.ok() ? "" : front.error().text));
    return listen_tcp(std::move(*front));
}

bool TlsRig::has_logged(std::string_view part) const {
    return std::any_of(log_lines.begin(), log_lines.end(),
                       [part](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace ledge::transport
