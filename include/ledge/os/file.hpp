// Files: how the broker reads, creates and replaces them. Every function here may wait for the disk, and none waits for
// another process: a pipe or a device in the place of a file is refused. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ledge/base/result.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::os {

// ---- Reading

struct FileText {
    std::string text;
    std::uint32_t mode = 0;  // permission bits and kind of the file, as st_mode of stat(2)
};

/// Reads a regular file that the configuration names. The text has at most `bytes_max` + 1 bytes: a text longer than
/// `bytes_max` tells the caller that the file is too large. A UTF-8 byte order mark at the beginning is left out.
/// The error is the end of a sentence that begins with the path: "cannot be opened: No such file or directory".
Result<FileText, std::string> read_regular_file(const std::string& path, std::size_t bytes_max);

inline constexpr std::size_t small_file_bytes_max = 1024 * 1024;

/// Reads a file that the broker itself or the kernel wrote, and whose absence is no error: below /proc or /sys, or in
/// the store's folder. Returns at most `bytes_max` bytes, and "" when the file cannot be read or is a symbolic link.
std::string read_small_file(const std::string& path, std::size_t bytes_max = small_file_bytes_max);

/// Bytes of the file; 0 when there is none.
std::uint64_t file_size(const std::string& path);

// ---- Writing. Results of type int are 0, or the errno of the call that failed.

/// Creates a file for writing that only its owner may read and write. Fails when the name is taken, also by a symbolic
/// link. On failure the descriptor is empty and errno says why.
Descriptor create_private_file(const std::string& path);

/// Writes all of `text` at the present position of the file.
int write_all(int descriptor, std::string_view text);

/// Returns when the content of the file is on stable storage.
int sync_file(int descriptor);

/// Opens a directory, to lock or to sync it. On failure the descriptor is empty and errno says why.
Descriptor open_directory(const std::string& path);

/// "/a" for "/a/b", "/" for "/a", "." for "a".
std::string parent_of(const std::string& path);

/// Returns when the names in the directory are on stable storage. A new or renamed file can be lost in a power cut
/// until then.
int sync_directory(const std::string& path);

/// The name of a file that is being written and that gets its final name when it is whole. Its destructor removes the
/// file unless rename_to() succeeded, so that no error path leaves half a file behind.
class Draft {
public:
    /// Nothing happens to a file of this name before the destructor.
    explicit Draft(std::string path) : path_(std::move(path)) {}
    Draft(Draft&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    Draft& operator=(Draft&&) = delete;
    ~Draft();

    /// "" after rename_to().
    const std::string& path() const { return path_; }
    /// Removes what an earlier run may have left under this name.
    void remove_leftover() const;

    enum class Existing : std::uint8_t {
        replaced,  // a reader of `target` sees the old file or the new one, never a mixture
        kept,      // EEXIST when `target` exists
    };
    int rename_to(const std::string& target, Existing existing = Existing::replaced);

private:
    std::string path_;
};

}  // namespace ledge::os
