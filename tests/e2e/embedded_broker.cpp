// A broker inside another program: the example of README.md, built and run by the tests.
// Usage: embedded_broker PORT; ends on SIGTERM.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/runtime/broker_loop.hpp"

namespace {

void print(void*, const ledge::LogRecord& record) {
    std::string line;
    ledge::format_text(record, line);
    std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const ledge::Log log(ledge::LogLevel::info, print, nullptr);

    ledge::runtime::BrokerLoopOptions options;
    options.seed = 1;  // a real program takes entropy from the system: it makes the client ids that the broker assigns

    ledge::broker::ListenerOptions listener;  // the core's side: who may connect, and every limit
    listener.name = "embedded";
    listener.allow_anonymous = true;
    listener.limits.queue_messages_max = 100;
    options.shard.listeners.push_back(listener);

    ledge::transport::Endpoint endpoint;  // the socket's side of the same listener
    endpoint.host = "127.0.0.1";
    endpoint.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    options.endpoints.push_back(endpoint);

    auto loop = ledge::runtime::BrokerLoop::create(std::move(options), log);
    if (!loop) {
        std::fprintf(stderr, "%s\n", text_of(loop.error()).c_str());
        return 1;
    }
    std::printf("serving %s\n", (*loop)->addresses().front().c_str());
    std::fflush(stdout);
    (*loop)->run();
    return 0;
}
