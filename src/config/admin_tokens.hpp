// [[admin.tokens]]: the tokens of operators. A key names a token by its position, from 1: admin.tokens.1.name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assignment.hpp"
#include "ledge/config/settings.hpp"

namespace ledge::config {

struct Origin;

inline constexpr std::string_view admin_tokens_key = "admin.tokens";
inline constexpr std::size_t admin_tokens_max = 32;

/// Collects the assignments below admin.tokens.
class AdminTokens {
public:
    /// True: the key is admin.tokens or below it.
    static bool is_of_tokens(std::string_view key);

    /// Requires is_of_tokens(assignment.key). Returns the mistake, which continues "key '...' "; "" = no mistake.
    std::string assign(const Assignment& assignment);

    /// The whole list. Adds a complaint for each token without a name, a file or rights, and for equal names.
    std::vector<AdminTokenSettings> finish(std::vector<Complaint>& complaints) const;

private:
    std::vector<AdminTokenSettings> drafts_;
    std::vector<std::string> places_;  // of the first assignment of each draft, for complaints
};

/// The list as TOML with its documentation, for --print-config.
std::string print_admin_tokens(const std::vector<AdminTokenSettings>& tokens, const Origin& origin);
/// The list in one line, for differences().
std::string admin_tokens_text(const std::vector<AdminTokenSettings>& tokens);

}  // namespace ledge::config
