// RowReader: one branch per schema version.
#include "row_reader.hpp"

#include "row_seal.hpp"
#include "table_traits.hpp"
#include "upgrade.hpp"

namespace ledge::storage {

ReadRow RowReader::read(Table table, Bytes key, Bytes value) {
    // Rows of version 1 have no seal: only the checks of key and body can find damage.
    if (version_ == 1) {
        if (!upgrade_row_of_v1(table, key, value, key_, body_)) return {key, value, "malformed record"};
        return {key_, body_, fault_in_row(table, key_, body_)};
    }
    const auto body = open_row(table, key, value);
    if (!body) return {key, value, wrong_seal};
    return {key, *body, fault_in_row(table, key, *body)};
}

}  // namespace ledge::storage
