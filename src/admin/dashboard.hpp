// The files of the dashboard as answers to a browser. The files are constants of the program. Stateless; on the thread
// of the loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/transport/http.hpp"

namespace ledge::admin {

/// The file of the dashboard that the request names; nullopt = there is no such file.
///
/// Every file has a strict Content-Security-Policy: scripts, styles and pictures come from this address only, nothing
/// is inline, and the page may connect to this address and to the WebSocket listeners only. The files are sent
/// compressed, with an entity tag that the browser asks with again. `web_sockets`: the URLs of the WebSocket listeners,
/// "ws://0.0.0.0:8080/mqtt".
std::optional<transport::HttpAnswer> find_dashboard_file(const transport::HttpRequest& request,
                                                         const std::vector<std::string>& web_sockets);

/// The Content-Security-Policy of every file. `host`: the Host field of the request, without the port.
std::string dashboard_policy(std::string_view host, const std::vector<std::string>& web_sockets);

}  // namespace ledge::admin
