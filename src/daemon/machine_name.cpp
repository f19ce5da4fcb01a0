#include "machine_name.hpp"

#include <string_view>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/os/file.hpp"
#include "process.hpp"

namespace ledge::daemon {
namespace {

constexpr std::size_t machine_id_digits = 32;
constexpr std::size_t bytes_of_name = 4;

/// The machine id in the file; "" = the file has none, for example because the first boot of an image is not over
/// ("uninitialized").
std::string read_machine_id(const std::string& path) {
    auto file = os::read_regular_file(path, machine_id_digits + 1);  // with the end of the line
    if (!file) return {};
    std::string id = std::move(file->text);
    if (id.ends_with('\n')) id.pop_back();
    const bool is_id = id.size() == machine_id_digits && id.find_first_not_of("0123456789abcdef") == std::string::npos;
    return is_id ? id : std::string();
}

}  // namespace

MachineName machine_name(const std::string& host_name, const std::string& machine_id_file) {
    const std::string id = read_machine_id(machine_id_file);
    if (id.empty()) return {host_name, false};
    // machine-id(5) demands a keyed hash, so that nobody who sees the client id can tell the machine id.
    const auth::Digest256 digest = auth::hmac_sha256(as_bytes(id), as_bytes(std::string_view("ledgemq bridge")));
    std::string text = host_name + "-";
    for (std::size_t i = 0; i < bytes_of_name; ++i) append_hex(digest[i], 2, text);
    return {std::move(text), true};
}

MachineName machine_name() { return machine_name(host_name(), "/etc/machine-id"); }

}  // namespace ledge::daemon
