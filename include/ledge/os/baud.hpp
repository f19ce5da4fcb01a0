// Speeds of serial lines: the table of those that termios(3) has a constant for. Any thread may use the functions.
#pragma once

#include <cstdint>
#include <string>

namespace ledge::os {

/// True: the kernel knows a constant for this number of symbols per second.
bool is_baud(std::uint32_t baud);
/// The constant of termios(3), as cfsetspeed() takes it. Requires is_baud().
unsigned speed_of_baud(std::uint32_t baud);
/// "1200, 2400, ..., 4000000", for complaints.
std::string all_bauds();

}  // namespace ledge::os
