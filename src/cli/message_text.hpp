// A received message as the text that `sub` prints. Stateless.
#pragma once

#include <string>

#include "ledge/cli/options.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::cli {

/// With its line end, which Format::raw does not have. `is_for_terminal`: the text must not control a terminal.
std::string text_of(const wire::Publish& message, SubscribeOptions::Format format, bool is_for_terminal);

}  // namespace ledge::cli
