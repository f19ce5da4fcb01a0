// Tables and facts for people: columns as wide as their content, within the width of the terminal. Stateless.
#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::cli {

/// Rows of cells with a heading each. Cells are shortened to `columns` columns in all; 0 = no limit. No cell has a
/// character with an effect on a terminal: it would break the table too.
std::string table_text(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows,
                       std::size_t columns);

/// A list of objects as a table. `members`: the columns, "queue.bytes" for a member of a member; empty = every member
/// that an object has, in their order. A column without any value is left out.
std::string rows_text(const boost::json::array& list, std::span<const std::string_view> members, std::size_t columns);

/// An object as lines of name and value. Lists of objects follow as tables, each with its name.
std::string facts_text(const boost::json::object& facts, std::size_t columns);

/// A value for people: numbers by the unit at the end of the name ("_bytes", "_s", "_fraction"), true as yes.
std::string value_text(std::string_view name, const boost::json::value& value);

}  // namespace ledge::cli
