#include "ledge/net/post.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace ledge::net {

os::Post post_to(boost::asio::io_context& io) {
    return [&io](std::function<void()> call) { boost::asio::post(io, std::move(call)); };
}

}  // namespace ledge::net
