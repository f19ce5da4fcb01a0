// A broker that nobody can reach, its pages, and requests to them without sockets. For the tests of resources.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fake_exchange.hpp"
#include "ledge/admin/pages.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/broker_loop.hpp"

namespace ledge::admin::test {

inline constexpr std::string_view token = "a-token-of-24-characters";

struct ApiSite {
    explicit ApiSite(std::vector<AdminToken> tokens = {}, bool is_for_anybody = false)
        : pages("1.2.3", std::move(tokens), log, Instant{}) {
        runtime::BrokerLoopOptions options;
        options.shard.listeners.emplace_back().allow_anonymous = is_for_anybody;
        options.endpoints.emplace_back().port = 0;
        options.handles_signals = false;
        options.parts.push_back(pages.make_part());
        auto made = runtime::BrokerLoop::create(std::move(options), log);
        REQUIRE(made.ok());
        loop = std::move(*made);
        pages.attach(*loop, {});
    }

    /// A request with all rights: it comes over the Unix socket.
    static transport::HttpRequest local(std::string_view path, std::string_view query = {}) {
        transport::HttpRequest request;
        request.path = path;
        request.query = query;
        request.is_admin = true;
        request.address = "unix";
        request.process = transport::PeerProcess{1000, 17};
        return request;
    }
    static transport::HttpRequest with_body(transport::HttpMethod method, std::string_view path,
                                            std::string_view body) {
        transport::HttpRequest request = local(path);
        request.method = method;
        request.body = body;
        request.content_type = "application/json";
        return request;
    }
    static transport::HttpRequest with_method(transport::HttpMethod method, std::string_view path) {
        transport::HttpRequest request = local(path);
        request.method = method;
        return request;
    }

    /// The peer's end of the request, which may be answered later.
    std::shared_ptr<FakeExchange> send(const transport::HttpRequest& request) {
        auto exchange = std::make_shared<FakeExchange>();
        pages.answer(request, transport::Responder(exchange), Instant{} + 90s);
        return exchange;
    }
    /// The answer, after as many turns of the loop as the answer needs.
    transport::HttpAnswer ask(const transport::HttpRequest& request) {
        const auto exchange = send(request);
        for (int i = 0; i < 1000 && exchange->is_waiting(); ++i) loop->turn(Duration::zero());
        return exchange->result;
    }
    transport::HttpAnswer get(std::string_view path, std::string_view query = {}) { return ask(local(path, query)); }

    void note(const LogRecord& record) {
        events.emplace_back(record.event);
        for (const LogField& field : record.fields) {
            if (field.key == "subject") subject = std::get<std::string_view>(field.value);
        }
    }

    std::vector<std::string> events;
    std::string subject;  // of the last action that was logged
    Log log{LogLevel::info, [](void* self, const LogRecord& record) { static_cast<ApiSite*>(self)->note(record); },
            this};
    Pages pages;
    std::unique_ptr<runtime::BrokerLoop> loop;
};

}  // namespace ledge::admin::test
