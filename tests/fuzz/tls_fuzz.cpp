// TLS records of strangers, before the handshake, in the middle of it and in an agreed connection, where they are
// forged or damaged; the first byte says where. Pre-shared keys: they need no certificate, and little arithmetic.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "input.hpp"
#include "ledge/net/tls_context.hpp"
#include "ledge/net/tls_secrets.hpp"
#include "ledge/net/tls_session.hpp"
#include "ledge/os/descriptor.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using Status = net::TlsSession::Status;
using Context = std::shared_ptr<const net::TlsContext>;

constexpr std::string_view key = "000102030405060708090a0b0c0d0e0f";

/// A file that is gone again when it has been read.
struct KeyFile {
    KeyFile() {
        std::array<char, 32> name{"/tmp/ledgemq-fuzz-psk-XXXXXX"};
        const int descriptor = ::mkstemp(name.data());
        fuzz::require(descriptor >= 0, "there is a place for a file");
        const std::string line = "fuzz:" + std::string(key) + "\n";
        fuzz::require(::write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size()),
                      "it is written");
        ::close(descriptor);
        path = name.data();
    }
    ~KeyFile() { ::unlink(path.c_str()); }
    std::string path;
};

Context server_context() {
    const KeyFile file;
    net::TlsOptions options;
    options.psk_file = file.path;
    options.ciphers = {"TLS_PSK_WITH_AES_128_GCM_SHA256"};
    options.alpn = {"mqtt"};
    auto made = net::TlsContext::create(options, net::TlsSecrets::create());
    fuzz::require(made.ok(), "the server's context is made");
    return *made;
}

Context client_context() {
    const KeyFile file;
    net::TlsClientOptions options;
    options.psk_file = file.path;
    options.ciphers = {"TLS_PSK_WITH_AES_128_GCM_SHA256"};
    options.alpn = {"mqtt"};
    auto made = net::TlsContext::create(options, net::TlsSecrets::create());
    fuzz::require(made.ok(), "the client's context is made");
    return *made;
}

struct Stage {
    Stage() {
        static const Context mine = server_context();
        static const Context theirs = client_context();
        std::array<int, 2> ends{};
        fuzz::require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0, "there are sockets");
        server = net::TlsSession::create(mine, ledge::os::Descriptor(ends[0]));
        client = net::TlsSession::create(theirs, ledge::os::Descriptor(ends[1]));
    }

    /// At most `steps` turns of both.
    void shake(unsigned steps) {
        for (unsigned i = 0; i < steps; ++i) {
            client->handshake(net::TlsSession::Extent::all);
            server->handshake(net::TlsSession::Extent::all);
        }
    }

    std::unique_ptr<net::TlsSession> server;
    std::unique_ptr<net::TlsSession> client;
};

/// What waits at the server's socket.
std::vector<Byte> steal(const net::TlsSession& session) {
    std::array<Byte, 20'000> buffer;
    const ssize_t size = ::recv(session.descriptor(), buffer.data(), buffer.size(), 0);
    return size > 0 ? std::vector<Byte>(buffer.data(), buffer.data() + size) : std::vector<Byte>();
}

/// Bytes of a stranger while a handshake is expected: it is never done by them.
void play_handshake(Stage& stage, fuzz::Input& input) {
    const bool is_cheap_first = input.below(2) == 1;
    while (!input.empty() && !stage.server->is_secured()) {
        const auto bytes = input.bytes(1U + input.byte());
        stage.server->feed(bytes);
        if (is_cheap_first) stage.server->handshake(net::TlsSession::Extent::cheap);
        if (stage.server->handshake(net::TlsSession::Extent::all) == Status::failed) {
            fuzz::require(!stage.server->failure_reason().empty(), "a failure has a reason");
            fuzz::require(stage.server->handshake(net::TlsSession::Extent::all) == Status::failed, "it stays failed");
        }
    }
}

/// The same behind a handshake: nothing that the peer has not sent is ever read.
void play_records(Stage& stage, fuzz::Input& input) {
    stage.shake(8);
    fuzz::require(stage.server->is_secured() && stage.client->is_secured(), "the two agree");
    const std::string text = "what the peer has said";
    const std::array<Bytes, 1> parts{as_bytes(text)};
    stage.client->write(parts);
    std::vector<Byte> record = steal(*stage.server);
    const std::size_t damaged = input.u16() % (2 * record.size());
    const bool is_damaged = damaged < record.size();
    if (is_damaged) record[damaged] ^= static_cast<Byte>(1U + input.below(255));
    if (input.below(2) == 1) stage.server->rest();
    const auto more = input.bytes(4096);
    record.insert(record.end(), more.begin(), more.end());

    std::string got;
    std::array<Byte, net::TlsSession::record_bytes_max> buffer;
    Status status = Status::done;
    std::size_t at = 0;
    const std::size_t step = 1U + input.u16();
    while (at < record.size() && status != Status::failed && status != Status::ended) {
        const std::size_t count = std::min(step, record.size() - at);
        stage.server->feed(Bytes(record).subspan(at, count));
        at += count;
        do {
            const auto read = stage.server->read(buffer);
            status = read.status;
            got += as_text(Bytes(buffer).first(read.bytes));
        } while (status == Status::done);
    }
    fuzz::require(got.empty() || got == text, "only what the peer has said is heard");
    // The type and the length are authenticated too, the version is not looked at for more than its sense.
    fuzz::require(!is_damaged || got.empty() || damaged < 5, "a damaged record is not heard");
    stage.server->write(parts);
    stage.server->finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Stage stage;
    switch (input.below(3)) {
        case 0: play_handshake(stage, input); break;
        case 1:
            stage.shake(1);
            play_handshake(stage, input);
            break;
        default: play_records(stage, input);
    }
    return 0;
}
