// Dashboard: the files of the dashboard as answers to a browser. The files are constants of the program; their policy
// for the browser names the WebSocket listeners of this broker. Owned by serve(); on the thread of the loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/transport/http.hpp"

namespace ledge::admin {

/// Every file has a strict Content-Security-Policy: scripts, styles and pictures come from this address only, nothing
/// is inline, and the page may connect to this address and to the WebSocket listeners only. The files are sent
/// compressed, with an entity tag that the browser asks with again.
class Dashboard {
public:
    /// `web_sockets`: the URLs of the WebSocket listeners as the configuration has them, "ws://0.0.0.0:8080/mqtt".
    explicit Dashboard(std::vector<std::string> web_sockets) : web_sockets_(std::move(web_sockets)) {}

    /// nullopt: there is no such file.
    std::optional<transport::HttpAnswer> find(const transport::HttpRequest& request) const;

private:
    std::string policy_for(std::string_view host) const;
    std::vector<std::string> web_sockets_;
};

}  // namespace ledge::admin
