// [[store.levels]]: levels of durability for single topics. They are a list because the first filter that matches
// decides. A key names a member by its position, from 1: store.levels.1.filter, store.levels.1.level.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assignment.hpp"
#include "ledge/broker/options.hpp"

namespace ledge::config {

struct Origin;

inline constexpr std::string_view levels_key = "store.levels";
inline constexpr std::size_t levels_max = 64;

/// Collects the assignments below store.levels.
class Levels {
public:
    /// True: the key is store.levels or below it.
    static bool is_of_levels(std::string_view key);

    /// Requires is_of_levels(assignment.key). Returns the mistake, which continues "key '...' "; "" = no mistake.
    std::string assign(const Assignment& assignment);

    /// The whole list. Adds a complaint for each member without a filter or without a level.
    std::vector<broker::DurabilityOptions::Override> finish(std::vector<Complaint>& complaints) const;

private:
    struct Draft {
        std::string filter;
        journal::Durability level = journal::Durability::durable;
        bool has_level = false;
        std::string place;  // of the first assignment, for complaints
    };
    std::vector<Draft> drafts_;
};

/// The list as TOML with its documentation, for --print-config.
std::string print_levels(const std::vector<broker::DurabilityOptions::Override>& levels, const Origin& origin);
/// The list in one line, for differences().
std::string levels_text(const std::vector<broker::DurabilityOptions::Override>& levels);

}  // namespace ledge::config
