#include "ledge/os/look_up.hpp"

#include <netdb.h>

#include <memory>

#include "ledge/base/assert.hpp"

namespace ledge::os {
namespace {

class ResolverCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "resolver"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

}  // namespace

const std::error_category& resolver_category() {
    static const ResolverCategory category;
    return category;
}

Result<std::vector<SocketAddress>, Error> look_up(const std::string& name, NameKind kind, std::size_t addresses_max) {
    LEDGE_ASSERT(addresses_max > 0);
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    // The flag AI_ADDRCONFIG is not set: the flag would hide the addresses of this machine's own names while the
    // machine is offline.
    wanted.ai_flags = kind == NameKind::numeric ? AI_NUMERICHOST : 0;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(name.c_str(), nullptr, &wanted, &found); error != 0)
        return Failure{Error{{error, resolver_category()}, "the name {} cannot be resolved", name}};
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    std::vector<SocketAddress> addresses;
    for (const addrinfo* one = found; one != nullptr && addresses.size() < addresses_max; one = one->ai_next) {
        SocketAddress address(one->ai_addr, one->ai_addrlen);
        if (address.ip()) addresses.push_back(address);
    }
    return addresses;
}

}  // namespace ledge::os
