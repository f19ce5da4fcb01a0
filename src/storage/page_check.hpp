// fault_in_pages: checks whether the pages of an LMDB file form a sound tree. The check reads the bytes of the file
// without LMDB, because LMDB trusts its pages. The check finds a page in the place of another page, an old page that
// has come back, a page that two parents share, and a page that is both in use and on the free list. The check does not
// look into the rows. It runs in the child process of inspect().
//
// File format of LMDB 0.9 (data version 1, the machine's own byte order, `word` as large as a pointer):
//   page := number:word pad:u16 flags:u16 (lower:u16 upper:u16 | pages:u32) …
//   tree page := offsets:u16[] (up to `lower`) … nodes (from `upper` on)
//   node := low:u16 high:u16 flags:u16 key_size:u16 key value
//           branch: the child's number in low, high and flags; leaf: the value's size in low and high
//   meta page := page head, magic:u32 version:u32 address:word map_size:word free:db main:db last_page:word txn:word
//   db := pad:u32 flags:u16 depth:u16 branch_pages:word leaf_pages:word overflow_pages:word entries:word root:word
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ledge::storage {

/// Returns the first fault in the pages that the snapshot of `transaction` sees. Returns nothing when the pages are
/// sound, or when a running broker has committed so often that the snapshot is no longer one of the two newest of the
/// file. Calls `sign_of_life` every 4,096 pages.
std::optional<std::string> fault_in_pages(const std::string& path, std::uint64_t transaction,
                                          const std::function<void()>& sign_of_life);

}  // namespace ledge::storage
