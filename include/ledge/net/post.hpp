// post_to(): the way in which workers and mailboxes reach an Asio loop. Any thread may call the result.
#pragma once

#include "ledge/os/mailbox.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::net {

/// Returns a function that posts a call to `io`. The call runs as a handler of `io`. `io` must outlive every use of the
/// returned function.
os::Post post_to(boost::asio::io_context& io);

}  // namespace ledge::net
