// Operations: what the API asks of the program around the broker. serve() fills it. On the thread of the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"

namespace ledge::admin {

/// What one reading of the configuration has led to.
struct ReloadOutcome {
    bool is_taken = false;                  // false: there are complaints, and nothing has changed
    std::vector<std::string> complaints;    // sentences with file and line
    std::vector<std::string> restart_keys;  // changes that are in force after a restart
};

/// Where a listener is, as the configuration says.
struct ListenerPlace {
    std::string name;
    std::string url;
    std::string protocol;  // "mqtt", "websocket", "mqttsn", "lines"
    bool is_tls = false;
};

/// The name of the file in the store's directory that asks the next start to compact the store.
inline constexpr std::string_view compact_mark = "/compact-wanted";

struct Operations {
    /// Begins a reload. Pages::on_reload_begun() and Pages::on_reloaded() follow.
    std::function<void()> reload = {};
    std::function<LogLevel()> configured_log_level = {};
    std::function<void(LogLevel)> set_log_level = {};
    std::function<std::vector<ListenerPlace>()> listeners = {};
    std::string store_path = {};  // the directory of the store; "" = none
    std::string program = {};     // the path of this program, which makes copies of the store
};

}  // namespace ledge::admin
