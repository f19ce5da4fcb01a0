#include "program_status.hpp"

#include <sys/wait.h>

namespace ledge::os {

std::string text_of_status(int status) {
    if (WIFEXITED(status)) return "has ended with status " + std::to_string(WEXITSTATUS(status));
    return "was ended by signal " + std::to_string(WTERMSIG(status));
}

}  // namespace ledge::os
