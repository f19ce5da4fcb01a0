// With web_front.cpp the only file that compiles Beast.
#include "ledge/transport/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <utility>
#include <vector>

#include "ledge/auth/password_hash.hpp"

namespace ledge::transport {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Error = boost::system::error_code;

constexpr std::uint32_t answer_header_bytes_max = 8 * 1024;

std::string reason_of(const Error& error) {
    if (error == beast::error::timeout) return "no answer in time";
    if (error == http::error::body_limit) return "the answer is too long";
    if (error == http::error::end_of_stream) return "the connection was closed without an answer";
    return error.message();
}

}  // namespace

/// One request. Lives in its handlers; `client_` is nullptr once nobody wants to know.
class HttpExchange : public std::enable_shared_from_this<HttpExchange> {
public:
    HttpExchange(asio::io_context& io, HttpPost request, HttpClient::Done done)
        : stream_(io), given_(std::move(request)), done_(std::move(done)) {
        parser_.body_limit(given_.answer_bytes_max);
        parser_.header_limit(answer_header_bytes_max);
    }
    ~HttpExchange() { wipe_request(); }

    void start(std::vector<HttpExchange*>& under_way) {
        under_way_ = &under_way;
        under_way.push_back(this);
        Error error;
        const auto address = asio::ip::make_address(given_.host, error);
        if (error) {
            asio::post(stream_.get_executor(), [self = shared_from_this(), error] { self->finish(error); });
            return;
        }
        fill_request();
        stream_.expires_after(given_.timeout);
        stream_.async_connect({address, given_.port}, [self = shared_from_this()](const Error& result) {
            if (result) return self->finish(result);
            self->write();
        });
    }

    void abandon() {
        under_way_ = nullptr;
        stream_.cancel();
    }

private:
    void fill_request() {
        const bool is_ipv6 = given_.host.find(':') != std::string::npos;
        request_.method(http::verb::post);
        request_.target(given_.target);
        request_.version(11);
        request_.set(http::field::host,
                     (is_ipv6 ? "[" + given_.host + "]" : given_.host) + ":" + std::to_string(given_.port));
        request_.set(http::field::content_type, given_.content_type);
        request_.keep_alive(false);
        request_.body() = std::move(given_.body);
        request_.prepare_payload();
    }

    void write() {
        http::async_write(stream_, request_, [self = shared_from_this()](const Error& error, std::size_t) {
            self->wipe_request();
            if (error) return self->finish(error);
            http::async_read(self->stream_, self->buffer_, self->parser_,
                             [self](const Error& result, std::size_t) { self->finish(result); });
        });
    }

    void finish(const Error& error) {
        if (under_way_ == nullptr) return;
        std::erase(*std::exchange(under_way_, nullptr), this);
        HttpReply answer;
        if (error) {
            answer.error = reason_of(error);
        } else {
            answer.status = parser_.get().result_int();
            answer.body = std::move(parser_.get().body());
        }
        Error ignored;
        stream_.socket().close(ignored);
        done_(std::move(answer));
    }

    void wipe_request() {
        auth::wipe(request_.body().data(), request_.body().size());
        auth::wipe(given_.body.data(), given_.body.size());
    }

    beast::tcp_stream stream_;
    HttpPost given_;
    HttpClient::Done done_;
    http::request<http::string_body> request_;
    http::response_parser<http::string_body> parser_;
    beast::flat_buffer buffer_;
    std::vector<HttpExchange*>* under_way_ = nullptr;
};

struct HttpClient::Parts {
    asio::io_context& io;
    std::vector<HttpExchange*> under_way;
};

HttpClient::HttpClient(asio::io_context& io) : parts_(std::make_unique<Parts>(Parts{io, {}})) {}

HttpClient::~HttpClient() {
    for (HttpExchange* exchange : parts_->under_way) exchange->abandon();
}

void HttpClient::post(HttpPost request, Done done) {
    std::make_shared<HttpExchange>(parts_->io, std::move(request), std::move(done))->start(parts_->under_way);
}

std::size_t HttpClient::under_way() const { return parts_->under_way.size(); }

}  // namespace ledge::transport
