// fault_in_pages: reads the pages of the newest snapshot from the root down, and compares all counts.
#include "page_check.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::storage {
namespace {

using Word = std::size_t;

// These values and the two structures below are those of LMDB's data format 1 (mdb.c of LMDB 0.9).
constexpr std::uint32_t lmdb_magic = 0xBEEFC0DE;
constexpr std::uint32_t data_version = 1;
constexpr std::uint16_t flag_branch = 1;
constexpr std::uint16_t flag_leaf = 2;
constexpr std::uint16_t flag_overflow = 4;
constexpr std::uint16_t node_big = 1;   // the value is on overflow pages
constexpr std::uint16_t node_tree = 2;  // the value is the Db of a table
constexpr Word no_page = ~Word{0};
constexpr unsigned depth_max = 32;  // as in LMDB

constexpr std::size_t head_size = sizeof(Word) + 8;  // bytes, of a page
constexpr std::size_t node_head_size = 8;            // bytes

/// The head of one tree (MDB_db in mdb.c). In the meta page, `pad` of the free list is the page size.
struct Db {
    std::uint32_t pad = 0;
    std::uint16_t flags = 0;
    std::uint16_t depth = 0;
    Word branch_pages = 0;
    Word leaf_pages = 0;
    Word overflow_pages = 0;
    Word entries = 0;
    Word root = no_page;
};
/// The content of a meta page behind its page head (MDB_meta in mdb.c). `map_size` and `address` are not checked.
struct MetaPage {
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    Word address = 0;
    Word map_size = 0;
    Db free;
    Db main;
    Word last_page = 0;
    Word transaction = 0;
};

/// The bytes of the file, read-only. Empty when the file cannot be mapped.
class Mapping {
public:
    explicit Mapping(const std::string& path) {
        const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat facts {};
        if (file.is_open() && ::fstat(file.get(), &facts) == 0 && facts.st_size > 0) {
            size_ = static_cast<std::size_t>(facts.st_size);
            // Mapped and not read, so that a large store needs no memory for the check.
            void* place = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.get(), 0);
            bytes_ = place != MAP_FAILED ? static_cast<const Byte*>(place) : nullptr;
        }
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() {
        if (bytes_ != nullptr) ::munmap(const_cast<Byte*>(bytes_), size_);
    }
    Bytes bytes() const { return bytes_ != nullptr ? Bytes(bytes_, size_) : Bytes(); }

private:
    const Byte* bytes_ = nullptr;
    std::size_t size_ = 0;
};

template <class T>
T read(Bytes bytes, std::size_t at) {
    T value{};
    // A damaged file may place a value at any address, so a cast would break the alignment rules.
    std::memcpy(&value, &bytes[at], sizeof value);
    return value;
}

/// The check of one snapshot. Each function returns false after the first fault, which fault() names.
class Checker {
public:
    Checker(Bytes file, const std::function<void()>& sign_of_life) : file_(file), sign_of_life_(sign_of_life) {}

    bool check(std::uint64_t transaction) {
        const auto meta = find_meta(transaction);
        if (!meta) return true;  // a broker has committed since; nothing can be said about this snapshot
        page_size_ = meta->free.pad;
        const bool is_size = page_size_ >= 512 && page_size_ <= 65'536 && (page_size_ & (page_size_ - 1)) == 0;
        if (!is_size) return fail("impossible page size", 0);
        last_page_ = meta->last_page;
        used_.assign(file_.size() / page_size_ + 1, false);
        return check_tree(meta->free, Kind::free) && check_tree(meta->main, Kind::main) && check_free();
    }

    const std::string& fault() const { return fault_; }

private:
    /// The free list, the unnamed database, or a named table.
    enum class Kind : std::uint8_t { free, main, rows };
    /// Counts for one tree, to compare with its Db.
    struct Found {
        Word branch_pages = 0;
        Word leaf_pages = 0;
        Word overflow_pages = 0;
        Word entries = 0;
    };

    /// The two meta pages are the first two pages of the file. The first one says how large a page is.
    std::optional<MetaPage> find_meta(std::uint64_t transaction) const {
        for (std::size_t at = 0, size = 4096; at + head_size + sizeof(MetaPage) <= file_.size(); at += size) {
            const auto meta = read<MetaPage>(file_, at + head_size);
            const bool is_meta = meta.magic == lmdb_magic && meta.version == data_version;
            if (is_meta && meta.transaction == transaction) return meta;
            // There are only two meta pages.
            if (at > 0) break;
            if (is_meta && meta.free.pad >= 512) size = meta.free.pad;
        }
        return std::nullopt;
    }

    bool fail(const char* what, Word page) {
        fault_ = "page " + std::to_string(page) + ": " + what;
        return false;
    }

    /// Marks `count` consecutive pages as used. False = a page does not exist, or is in use already.
    bool claim_pages(Word number, Word count) {
        LEDGE_ASSERT(page_size_ > 0 && count > 0);
        // The subtraction comes after the comparison with last_page_, so it cannot overflow.
        if (number < 2 || number > last_page_ || count > last_page_ - number + 1) return fail("out of range", number);
        if ((number + count) * page_size_ > file_.size()) return fail("cut off", number);
        if (++claimed_ % pages_per_sign_of_life == 0) sign_of_life_();
        for (Word i = number; i < number + count; ++i) {
            // Also ends cycles: every page is claimed at most once, so the check ends for any file.
            if (used_[i]) return fail("used twice", i);
            used_[i] = true;
        }
        return true;
    }

    Bytes page(Word number) const { return file_.subspan(number * page_size_, page_size_); }
    static std::uint16_t flags_of(Bytes page) { return read<std::uint16_t>(page, sizeof(Word) + 2); }

    bool check_tree(const Db& db, Kind kind) {
        Found found;
        // A tree without rows has no page.
        if (db.root == no_page) return db.entries == 0 || fail("rows without a tree", 0);
        if (db.depth == 0 || db.depth > depth_max) return fail("impossible depth", db.root);
        if (!check_page(db.root, db.depth, kind, found)) return false;
        const bool is_counted = found.branch_pages == db.branch_pages && found.leaf_pages == db.leaf_pages &&
                                found.overflow_pages == db.overflow_pages && found.entries == db.entries;
        return is_counted || fail("the counts of pages or rows of its tree are wrong", db.root);
    }

    bool check_page(Word number, unsigned height, Kind kind, Found& found) {
        if (!claim_pages(number, 1)) return false;
        const Bytes bytes = page(number);
        if (read<Word>(bytes, 0) != number) return fail("contains another page", number);
        const bool is_leaf = height == 1;
        if (flags_of(bytes) != (is_leaf ? flag_leaf : flag_branch)) return fail("has the wrong type", number);
        ++(is_leaf ? found.leaf_pages : found.branch_pages);
        const auto lower = read<std::uint16_t>(bytes, sizeof(Word) + 4);
        const auto upper = read<std::uint16_t>(bytes, sizeof(Word) + 6);
        // page := head offset:u16* free_space node*. `lower` is the end of the offsets, `upper` the begin of the nodes.
        if (lower < head_size || (lower - head_size) % 2 != 0 || lower > upper || upper > page_size_)
            return fail("impossible bounds", number);
        std::size_t nodes = 0;  // bytes; nodes are packed without gaps up to the end of the page
        for (std::size_t at = head_size; at < lower; at += 2) {
            const std::size_t node = read<std::uint16_t>(bytes, at);
            if (node < upper || node + node_head_size > page_size_) return fail("a row out of bounds", number);
            nodes += node_size(bytes, node, is_leaf);
            const bool is_fine = is_leaf ? check_row(bytes, node, number, kind, found)
                                         : check_page(child_of(bytes, node), height - 1, kind, found);
            if (!is_fine) return false;
        }
        return nodes == page_size_ - upper || fail("the sizes of its rows do not add up", number);
    }

    static std::size_t node_size(Bytes page, std::size_t node, bool is_leaf) {
        std::size_t value = 0;
        if (is_leaf) value = read<std::uint16_t>(page, node + 4) == node_big ? sizeof(Word) : value_size(page, node);
        const std::size_t size = node_head_size + read<std::uint16_t>(page, node + 6) + value;
        // LMDB rounds each node up to an even size.
        return size + size % 2;
    }
    static std::size_t value_size(Bytes page, std::size_t node) {
        return read<std::uint16_t>(page, node) | std::size_t{read<std::uint16_t>(page, node + 2)} << 16U;
    }

    static Word child_of(Bytes page, std::size_t node) {
        // node := low:u16 high:u16 flags:u16 key_size:u16 key value. In a branch page, the first three fields are the
        // page number of the child.
        Word child = read<std::uint16_t>(page, node) | Word{read<std::uint16_t>(page, node + 2)} << 16U;
        if constexpr (sizeof(Word) > 4) child |= Word{read<std::uint16_t>(page, node + 4)} << 32U;
        return child;
    }

    bool check_row(Bytes bytes, std::size_t node, Word number, Kind kind, Found& found) {
        ++found.entries;
        const std::size_t size = value_size(bytes, node);
        const auto flags = read<std::uint16_t>(bytes, node + 4);
        const std::size_t value = node + node_head_size + read<std::uint16_t>(bytes, node + 6);
        // The node of a large value contains only the number of its first overflow page.
        const std::size_t inside = flags == node_big ? sizeof(Word) : size;
        if (value + inside > page_size_) return fail("a value out of bounds", number);
        if (flags == node_big) return check_overflow(read<Word>(bytes, value), size, kind, found);
        if (kind == Kind::main && flags == node_tree) {
            return size == sizeof(Db) ? check_tree(read<Db>(bytes, value), Kind::rows)
                                      : fail("a table without its tree", number);
        }
        if (flags != 0) return fail("a row of an unknown kind", number);
        return kind != Kind::free || note_free(bytes.subspan(value, size), number);
    }

    /// A large value on its own pages. A value that became smaller within one transaction keeps its pages, so there may
    /// be more pages than the value needs.
    bool check_overflow(Word first, std::size_t size, Kind kind, Found& found) {
        const Word needed = (head_size + size + page_size_ - 1) / page_size_;
        if (!claim_pages(first, needed)) return false;
        const Bytes bytes = page(first);
        if (read<Word>(bytes, 0) != first || flags_of(bytes) != flag_overflow)
            return fail("contains another page", first);
        const Word pages = read<std::uint32_t>(bytes, sizeof(Word) + 4);
        if (pages < needed) return fail("has fewer pages than its value needs", first);
        if (pages > needed && !claim_pages(first + needed, pages - needed)) return false;
        found.overflow_pages += pages;
        return kind != Kind::free || note_free(file_.subspan(first * page_size_ + head_size, size), first);
    }

    // free list := count:word page:word[count]
    bool note_free(Bytes value, Word number) {
        const Word count = value.size() >= sizeof(Word) ? read<Word>(value, 0) : no_page;
        if (count > value.size() / sizeof(Word) || (count + 1) * sizeof(Word) > value.size())
            return fail("an impossible free list", number);
        for (Word i = 1; i <= count; ++i) free_.push_back(read<Word>(value, i * sizeof(Word)));
        return true;
    }

    bool check_free() {
        for (const Word number : free_) {
            // LMDB would give such a page to the next commit, which would then overwrite a meta page or data in use.
            if (number < 2 || number > last_page_) return fail("is on the free list, but does not exist", number);
            if (number < used_.size() && used_[number]) return fail("is in use and on the free list", number);
        }
        return true;
    }

    static constexpr std::uint64_t pages_per_sign_of_life = 4096;

    Bytes file_;
    const std::function<void()>& sign_of_life_;
    std::uint64_t claimed_ = 0;  // calls of claim_pages()
    std::size_t page_size_ = 0;
    Word last_page_ = 0;      // the highest page number that the snapshot knows
    std::vector<bool> used_;  // by page number
    std::vector<Word> free_;  // page numbers on the free list
    std::string fault_;
};

}  // namespace

std::optional<std::string> fault_in_pages(const std::string& path, std::uint64_t transaction,
                                          const std::function<void()>& sign_of_life) {
    const Mapping mapping(path);
    Checker checker(mapping.bytes(), sign_of_life);
    return checker.check(transaction) ? std::nullopt : std::optional(checker.fault());
}

}  // namespace ledge::storage
