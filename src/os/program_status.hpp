// text_of_status(): how a program has ended, in words. Stateless.
#pragma once

#include <string>

namespace ledge::os {

/// `status` as waitpid(2) gives it: "has ended with status 1", "was ended by signal 9".
std::string text_of_status(int status);

}  // namespace ledge::os
