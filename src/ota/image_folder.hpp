// ImageFolder: the images, which are the files of one directory. It notices new, changed and removed files by looking
// at the directory again and again, and computes the SHA-256 of each file in slices, so that no call takes long.
//
//     new or changed file ──two looks see the same──► hashed, slice by slice ──► image
//                                                          └── changed meanwhile, or unreadable ──► from the beginning
//
// A file NAME@VERSION is an image of NAME. Only regular files count, no links, and no names that begin with a dot. A
// file is opened for each block: a file that was replaced or written to meanwhile is noticed then, and no descriptor
// stays open. Owned by OtaServer, on the loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/ota/options.hpp"

namespace ledge::ota {

/// What changes when a file is replaced or written to.
struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct Image {
    std::string name;
    std::string version;
    FileStamp stamp;
    auth::Digest256 digest{};
    std::uint32_t size = 0;
    std::uint32_t id = 0;  // the first bytes of the digest
};

class ImageFolder {
public:
    static constexpr Duration look_interval = 4s;              // between two looks at files that have not changed
    static constexpr Duration settle_interval = 1s;            // from the look that sees a change to the next one
    static constexpr std::size_t slice_bytes_max = 16 * 1024;  // read and hashed by one call of hash_slice()
    static constexpr std::size_t entries_max = 1024;           // of the directory; further ones are not seen
    static constexpr std::size_t name_bytes_max = 64;
    static constexpr std::size_t version_bytes_max = 32;

    /// `log` must outlive the object.
    ImageFolder(const OtaOptions& options, const Log& log);
    ~ImageFolder();

    /// Looks at the directory. Returns when the next look is due.
    Instant look(Instant now);
    bool is_hashing() const { return !queue_.empty(); }
    /// Reads and hashes at most slice_bytes_max bytes. Requires is_hashing().
    void hash_slice();

    /// The newest file of each name. Names of which a file is still looked at are left out; see is_pending().
    std::vector<const Image*> newest() const;
    /// True: a file of this name waits for the next look or for its hash, so what newest() says may change soon.
    bool is_pending(std::string_view name) const;
    /// True: some file waits for the next look or for its hash.
    bool is_pending() const { return !unsettled_.empty() || !queue_.empty(); }
    /// Grows with each change of what newest() and is_pending() say.
    std::uint64_t version() const { return version_; }
    std::size_t size() const { return images_.size(); }
    const Image* find(std::uint32_t id) const;
    /// Appends at most `bytes_max` bytes from `offset` on. False = the file is not the one that was hashed, or cannot
    /// be read; the image is then no image any more, until later looks find it again.
    bool read(const Image& image, std::uint32_t offset, std::size_t bytes_max, std::vector<Byte>& out);

private:
    struct Hashing;
    struct NameParts {
        std::string_view name;
        std::string_view version;
    };

    std::string path_of(std::string_view file) const { return directory_ + "/" + std::string(file); }
    std::optional<std::map<std::string, FileStamp>> list();
    void note_directory(int error);
    void keep(const std::map<std::string, FileStamp>& present);
    void begin(const std::string& file, const FileStamp& stamp);
    void finish(Hashing& hashing);
    void set_aside(const Hashing& hashing, std::string_view reason);
    void drop(std::map<std::string, Image>::iterator at);
    std::string problem_of(const std::string& file, const FileStamp& stamp) const;
    void refuse(const std::string& file, std::string_view reason);
    static std::optional<NameParts> split(std::string_view file);

    std::string directory_;
    std::uint32_t image_bytes_max_;
    std::uint32_t images_max_;
    const Log& log_;
    std::map<std::string, Image> images_;          // by file name
    std::map<std::string, FileStamp> unsettled_;   // new or changed at the last look
    std::vector<std::unique_ptr<Hashing>> queue_;  // the first one is hashed now
    std::map<std::string, FileStamp> unusable_;    // could not be hashed; tried again when they have changed
    std::set<std::string> refused_;                // files that the log has named, and that are still there
    int directory_error_ = 0;                      // the errno of the last look, which the log has named
    std::uint64_t version_ = 0;
};

}  // namespace ledge::ota
