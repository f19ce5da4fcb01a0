// api_fuzz: input := method:u8 path_bytes:u8 path query_bytes:u8 query body. One request to the API of a broker that
// nobody can reach, with all rights. Each request is answered within some turns, and each answer is what it says.
#include <array>
#include <memory>
#include <string>

#include "fake_exchange.hpp"
#include "input.hpp"
#include "ledge/admin/pages.hpp"
#include "ledge/base/json_reader.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "require.hpp"

namespace {

using namespace ledge;

constexpr int turns_max = 200;

std::string text_of(fuzz::Input& input, std::size_t size) {
    const std::vector<Byte> bytes = input.bytes(size);
    return {bytes.begin(), bytes.end()};
}

void require_fit(const transport::HttpAnswer& answer) {
    fuzz::require(answer.status >= 200 && answer.status < 600, "a status");
    if (answer.status == 204) return fuzz::require(answer.body.empty(), "204 has no body");
    fuzz::require(JsonDocument::parse(answer.body).has_value(), "an answer is one JSON object");
    fuzz::require(answer.status < 400 || answer.content_type == "application/problem+json", "an error is a problem");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    transport::HttpRequest request;
    request.method = static_cast<transport::HttpMethod>(input.byte() % 5);
    const std::string path = "/api/v1/" + text_of(input, input.byte());
    const std::string query = text_of(input, input.byte());
    std::string body;
    while (!input.empty()) body += text_of(input, 255);
    request.path = path;
    request.query = query;
    request.body = body;
    request.content_type = "application/json";
    request.address = "unix";
    request.is_admin = true;
    request.process = transport::PeerProcess{1, 1};

    const Log log;
    admin::Pages pages("1", {}, log, Instant{});
    runtime::BrokerLoopOptions options;
    options.handles_signals = false;
    options.parts.push_back(pages.make_part());
    auto loop = runtime::BrokerLoop::create(std::move(options), log);
    fuzz::require(loop.ok(), "a loop");
    pages.attach(**loop, {});
    const auto exchange = std::make_shared<admin::test::FakeExchange>();
    pages.answer(request, transport::Responder(exchange), Instant{});
    for (int i = 0; i < turns_max && exchange->is_waiting(); ++i) (*loop)->turn(Duration::zero());
    fuzz::require(!exchange->is_waiting(), "an answer within some turns");
    if (exchange->is_streaming()) {
        exchange->go();
        (*loop)->turn(Duration::zero());
    } else if (exchange->result.content_type != "text/event-stream") {
        require_fit(exchange->result);
    }
    return 0;
}
