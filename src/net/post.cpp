// post_to: the function through which workers hand their results to the loop's thread.
#include "ledge/net/post.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace ledge::net {

os::Post post_to(boost::asio::io_context& io) {
    // asio::post() may be called on any thread. The io_context must outlive the returned function.
    return [&io](std::function<void()> call) { boost::asio::post(io, std::move(call)); };
}

}  // namespace ledge::net
