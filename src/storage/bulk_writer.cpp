// BulkWriter: splits a long run of rows into transactions.
#include "bulk_writer.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::storage {
namespace {

// A transaction keeps its pages in memory until it commits.
constexpr std::size_t transaction_bytes_max = 4 * 1024 * 1024;

}  // namespace

int BulkWriter::put(Table table, Bytes key, Bytes body) {
    // After an error nothing more is written, so the caller may check the code late.
    if (code_ != lmdb_ok) return code_;
    if (!txn_) {
        auto txn = Txn::begin(env_, false);
        if (!txn) return code_ = txn.error();
        txn_.emplace(std::move(*txn));
        bytes_ = 0;
    }
    LEDGE_ASSERT(txn_.has_value());
    code_ = put_row(*txn_, tables_, table, key, body);
    bytes_ += key.size() + body.size();
    return bytes_ > transaction_bytes_max ? finish() : code_;
}

int BulkWriter::finish() {
    if (txn_ && code_ == lmdb_ok) code_ = txn_->commit();
    txn_.reset();
    return code_;
}

}  // namespace ledge::storage
