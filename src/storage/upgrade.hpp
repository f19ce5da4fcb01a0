// The upgrade of a store to the present version of the schema: every row is read as its version wrote it, and written
// into a new file as the present version does. The caller gives that file the name of the store when it is whole, so a
// start that ends in between is repeated by the next one, and nothing of the old file has changed.
//
// Rejected: rewriting the rows in their file, in one transaction (all of the store would have to fit into memory and
// into the file a second time) or in several (each reader would need to know how far it went).
#pragma once

#include <vector>

#include "bad_rows.hpp"
#include "tables.hpp"

namespace ledge::storage {

struct Upgraded {
    std::uint64_t rows = 0;
    std::uint64_t sessions_incomplete = 0;  // they have lost a row
};

/// Copies the store in `from`, whose meta row is `meta`, into the empty tables of `to`, meta row last. Each of its
/// transactions is durable. Rows that cannot be read go to `bad_rows`. 0 or a code.
int copy_upgraded(const Env& from, const Meta& meta, const Env& to, const Tables& tables, BadRows& bad_rows,
                  Upgraded& upgraded);

// Steps, one for each version. Frozen: they say what the version was, whatever the present one is.

/// Key and body of a row of version 1 as those of version 2. False: it is none.
///   session := client_id:text16 expiry_interval_s:u32 expires_at:i64 flags:u8 [owner:text16] [will(rest)]
///   queued  := message:u64 bytes:u32 share_subscription:u32 packet_id:u16 state:u8 qos_retain:u8 ids(rest)
///   fresh   := sequence:u64 -> number:u64 kind:u8 publication record
/// The other rows differ in the seal only.
bool upgrade_row_of_v1(Table table, Bytes key, Bytes value, std::vector<Byte>& new_key, std::vector<Byte>& body);

}  // namespace ledge::storage
