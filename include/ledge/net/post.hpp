// How workers and mailboxes reach a loop of Asio.
#pragma once

#include "ledge/os/mailbox.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::net {

/// Calls what is posted from a handler of `io`, which outlives every call of the result.
os::Post post_to(boost::asio::io_context& io);

}  // namespace ledge::net
