// [[store.levels]]: levels of durability for some topics, as a list, because the first that matches decides. Below
// the list's name the members are known by their place in it: store.levels.1.filter, store.levels.1.level.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assignment.hpp"
#include "ledge/broker/options.hpp"

namespace ledge::config {

inline constexpr std::string_view levels_key = "store.levels";
inline constexpr std::size_t levels_max = 64;

class Levels {
public:
    static bool is_of_levels(std::string_view key);

    /// What is wrong with it, "" if nothing.
    std::string assign(const Assignment& assignment);

    /// The list; complaints about members that lack something.
    std::vector<broker::DurabilityOptions::Override> finish(std::vector<Complaint>& complaints) const;

private:
    struct Draft {
        std::string filter;
        journal::Durability level = journal::Durability::durable;
        bool has_level = false;
        std::string place;
    };
    std::vector<Draft> drafts_;
};

/// The list as TOML, with its documentation.
std::string print_levels(const std::vector<broker::DurabilityOptions::Override>& levels);
/// The list in one line, for comparisons.
std::string levels_text(const std::vector<broker::DurabilityOptions::Override>& levels);

}  // namespace ledge::config
