// PageCheck: are the pages of an LMDB file a sound tree? Looks at the bytes of the file itself, without LMDB, which
// believes its pages: a page in the place of another, an old one that has come back, a page that two parents share or
// that is in use and on the free list too. What stands in the rows is for others to judge.
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

/// What is wrong with the pages that the snapshot of `transaction` sees; nothing when they are sound, or when that
/// snapshot is not the file's newest or second newest any more (a broker at work). `sign_of_life` is called every 4,096
/// pages.
std::optional<std::string> fault_in_pages(const std::string& path, std::uint64_t transaction,
                                          const std::function<void()>& sign_of_life);

}  // namespace ledge::storage
