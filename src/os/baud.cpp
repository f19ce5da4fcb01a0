#include "ledge/os/baud.hpp"

#include <termios.h>

#include <algorithm>
#include <iterator>

#include "ledge/base/assert.hpp"

namespace ledge::os {

namespace {

struct Speed {
    std::uint32_t baud;
    speed_t constant;
};

// Slower lines are left out: a packet of 250 bytes would take more than 2 s at 1,200 baud.
constexpr Speed speeds[] = {
    {1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},       {19200, B19200},
    {38400, B38400},     {57600, B57600},     {115200, B115200},   {230400, B230400},   {460800, B460800},
    {500000, B500000},   {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
    {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000},
    {4000000, B4000000},
};

const Speed* find_speed(std::uint32_t baud) {
    const auto* const found = std::ranges::find(speeds, baud, &Speed::baud);
    return found == std::end(speeds) ? nullptr : found;
}

}  // namespace

bool is_baud(std::uint32_t baud) { return find_speed(baud) != nullptr; }

unsigned speed_of_baud(std::uint32_t baud) {
    const Speed* const speed = find_speed(baud);
    LEDGE_ASSERT(speed != nullptr);
    return speed->constant;
}

std::string all_bauds() {
    std::string out;
    for (const Speed& speed : speeds) out += (out.empty() ? "" : ", ") + std::to_string(speed.baud);
    return out;
}

}  // namespace ledge::os
