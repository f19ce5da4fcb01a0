// Files: how the broker reads, creates and replaces them. Every function here may wait for the disk. The functions that
// read refuse or do not wait on a pipe or a device, so no call waits for another process. Any thread may call them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"

namespace ledge::os {

class Descriptor;

// ---- Reading

struct FileText {
    std::string text;
    std::uint32_t mode = 0;  // permission bits and kind of the file, as st_mode of stat(2)
};

/// Reads a regular file that the configuration names. The text has at most `bytes_max` + 1 bytes: a text longer than
/// `bytes_max` tells the caller that the file is too large. A UTF-8 byte order mark at the beginning is left out.
/// The subject of the error is the path: "/etc/x cannot be opened: No such file or directory".
Result<FileText, Error> read_regular_file(const std::string& path, std::size_t bytes_max);

inline constexpr std::size_t small_file_bytes_max = 1024 * 1024;

/// Reads a file that the broker itself or the kernel wrote, below /proc or /sys or in the store's folder. A missing
/// file is no error. Returns at most `bytes_max` bytes, and "" when the file cannot be read or is a symbolic link.
std::string read_small_file(const std::string& path, std::size_t bytes_max = small_file_bytes_max);

/// The size of the file in bytes; 0 when the file does not exist.
std::uint64_t file_size(const std::string& path);

// ---- Writing. A result of type int is 0, or the errno of the system call that failed.

/// Creates a file for writing that only its owner may read and write. Fails when the name exists already, even as a
/// symbolic link. On failure the descriptor is empty and errno says why.
Descriptor create_private_file(const std::string& path);

/// Writes all of `text` at the current position of the file.
int write_all(int descriptor, std::string_view text);

/// Returns when the content of the file is on stable storage.
int sync_file(int descriptor);

/// Opens a directory so that the caller can lock it or sync it. On failure the descriptor is empty and errno says why.
Descriptor open_directory(const std::string& path);

/// The directory that contains `path`: "/a" for "/a/b", "/" for "/a", "." for "a".
std::string parent_of(const std::string& path);

/// Returns when the names in the directory are on stable storage. Until then a power cut can undo the creation or the
/// renaming of a file.
int sync_directory(const std::string& path);

/// The temporary name of a file that is being written. The file gets its final name when it is complete. The destructor
/// removes the file unless rename_to() succeeded, so no error path leaves an incomplete file behind.
class Draft {
public:
    /// Stores the name only; the caller creates the file.
    explicit Draft(std::string path) : path_(std::move(path)) {}
    Draft(Draft&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    Draft& operator=(Draft&&) = delete;
    ~Draft();

    /// The temporary name; "" after rename_to() has succeeded.
    const std::string& path() const { return path_; }
    /// Removes the file that an earlier run of the program may have left under this name.
    void remove_leftover() const;

    enum class Existing : std::uint8_t {
        replaced,  // an existing `target` is replaced; a reader sees the old file or the new one, never a mixture
        kept,      // an existing `target` stays, and the result is EEXIST
    };
    /// Gives the file its final name. On failure the file keeps its temporary name.
    int rename_to(const std::string& target, Existing existing = Existing::replaced);

private:
    std::string path_;
};

}  // namespace ledge::os
