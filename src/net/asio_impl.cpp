// The one translation unit that compiles Asio's function bodies (BOOST_ASIO_SEPARATE_COMPILATION). Every other file
// that includes Asio therefore compiles a third faster, and Asio's code exists once. Boost stays header-only, so the
// broker needs no Boost package at run time.
#include <boost/asio/impl/src.hpp>
