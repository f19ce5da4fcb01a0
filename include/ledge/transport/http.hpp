// What a web front and its handler exchange: a request with its body, and one answer, which may come at once, in a
// later turn, or in pieces. The handler knows nothing of sockets. On the loop's thread.
//
//     front ──HttpRequest, Responder──► handler
//     handler ──Responder::answer()───► front           one answer, at once or later
//             └─Responder::stream()───► HttpStream      many pieces: server-sent events, downloads
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::transport {

enum class HttpMethod : std::uint8_t { get, head, post, put, remove };  // remove: DELETE

/// "GET", "DELETE" and so on.
std::string_view name_of(HttpMethod method);

/// The reason phrase of a status: "Not Found" for 404.
std::string_view http_reason(std::uint16_t status);

/// The process at the other end of a Unix socket, as the kernel knows it.
struct PeerProcess {
    std::uint32_t user_id = 0;
    std::int32_t process_id = 0;
};

/// The views are valid during the call of the handler; a handler that answers later copies what it needs.
struct HttpRequest {
    HttpMethod method = HttpMethod::get;
    std::string_view path;           // the path without the query, still percent-encoded: "/metrics"
    std::string_view query;          // the text after '?', still percent-encoded
    std::string_view host;           // the Host field without the port
    std::string_view authority;      // the whole Host field
    std::string_view address;        // the peer's address, as logs show it: "192.0.2.7:51123", "unix"
    std::string_view bearer_token;   // TOKEN of "Authorization: Bearer TOKEN"; "" = there is no such header
    std::string_view body;           // at most WebLimits::body_bytes_max; "" = none
    std::string_view content_type;   // the Content-Type field; "" = there is none
    std::string_view if_none_match;  // the front itself compares it with HttpAnswer::etag
    std::string_view accept_encoding;
    std::string_view origin;       // the Origin field, which browsers send; "" = there is none
    bool is_admin = false;         // the request came to an admin listener, not to a listener of MQTT clients
    bool has_certificate = false;  // the client has shown a valid TLS certificate
    std::optional<PeerProcess> process = {};  // set if the request came over the Unix socket of the admin listener
};

struct HttpField {
    std::string_view name;  // "Content-Security-Policy"; must live as long as the program
    std::string value;      // without line ends
};

struct HttpAnswer {
    std::uint16_t status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";  // must live as long as the program
    std::string body = {};
    std::string_view cache_control = "no-store";  // must live as long as the program
    /// The entity tag with its quotes: "\"5f3a\""; "" = none. A status 200 becomes 304 without a body if the request
    /// names this tag in If-None-Match.
    std::string etag = {};
    std::vector<HttpField> fields = {};  // further header fields
};

/// The header of a streaming answer. Its status is 200, and the connection ends with the answer.
struct HttpStreamHead {
    std::string_view content_type = "application/octet-stream";  // must live as long as the program
    std::vector<HttpField> fields = {};
};

/// The peer's end of one request. The front implements it, and tests of handlers do. Handlers use Responder and
/// HttpStream instead.
class HttpExchange {
public:
    virtual bool is_waiting() const = 0;    // for the answer
    virtual bool is_streaming() const = 0;  // a streaming answer has begun and not ended
    virtual void answer(HttpAnswer answer) = 0;
    virtual void wait_without_limit() {}
    virtual void begin_stream(const HttpStreamHead& head) = 0;
    virtual std::size_t stream_room() const = 0;
    virtual bool write_piece(std::string_view piece) = 0;
    virtual void end_stream(bool is_complete) = 0;

    std::function<void()> on_drained = {};  // all written bytes are sent
    std::function<void()> on_gone = {};     // the peer has gone or the front ends, before the answer was complete

protected:
    ~HttpExchange() = default;
};

/// A streaming answer. Bytes that are not sent yet are buffered, at most WebLimits::stream_bytes_max; a peer that does
/// not read for WebLimits::stall_time_max is closed. Destroying the object ends the answer as end() does.
class HttpStream {
public:
    HttpStream() = default;  // a stream that has ended
    explicit HttpStream(std::weak_ptr<HttpExchange> exchange) : exchange_(std::move(exchange)) {}
    HttpStream(HttpStream&&) noexcept = default;
    HttpStream& operator=(HttpStream&& other) noexcept;
    ~HttpStream() { end(); }

    /// False: the peer has gone, or the answer has ended.
    bool is_open() const;
    /// The size of the largest piece that write() takes now; 0 when the buffer is full or the stream is not open.
    std::size_t room() const;
    /// Sends the whole piece or, if there is no room for it, nothing. True: the piece will be sent.
    bool write(std::string_view piece);
    /// `drained` is called whenever all bytes are sent. It may write, and may destroy this object.
    void on_drained(std::function<void()> drained);
    /// `gone` is called once if the peer goes before end(). It may destroy this object.
    void on_gone(std::function<void()> gone);
    /// The answer is complete: the buffered bytes are sent, then the connection ends.
    void end() { finish(true); }
    /// The answer cannot be completed. The connection ends without the mark of the end, so the peer notices the loss.
    void abort() { finish(false); }

private:
    void finish(bool is_complete);
    std::weak_ptr<HttpExchange> exchange_;
};

/// The right and duty to answer one request once. A Responder that is destroyed without an answer answers 500. After
/// WebLimits::answer_time_max the front answers 504 itself.
class Responder {
public:
    explicit Responder(std::weak_ptr<HttpExchange> exchange) : exchange_(std::move(exchange)) {}
    Responder(Responder&&) noexcept = default;
    Responder& operator=(Responder&& other) noexcept;
    ~Responder();

    /// False: the peer has gone, or the request was answered. A later answer has no effect.
    bool is_open() const;
    void answer(HttpAnswer answer);
    HttpStream stream(const HttpStreamHead& head);
    /// WebLimits::answer_time_max does not end this request: the caller bounds the time itself.
    void wait_without_limit();
    /// `gone` is called once if the peer goes before the answer. It may destroy this object.
    void on_gone(std::function<void()> gone);

private:
    std::weak_ptr<HttpExchange> exchange_;
};

/// An error as a problem of RFC 9457: {"type":"about:blank","title":...,"status":...,"detail":...,"field":...}. Without
/// a field that member is left out.
HttpAnswer http_error(std::uint16_t status, std::string_view why = {}, std::string_view field = {});

/// Called once per request.
using HttpHandler = std::function<void(const HttpRequest&, Responder)>;

}  // namespace ledge::transport
