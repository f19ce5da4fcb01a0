// The one translation unit with Asio's function bodies (BOOST_ASIO_SEPARATE_COMPILATION): every other file that
// includes Asio compiles a third faster and its code exists once. Boost stays header-only: no runtime package.
#include <boost/asio/impl/src.hpp>
