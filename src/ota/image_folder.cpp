#include "image_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/wire/utf8.hpp"
#include "messages.hpp"

namespace ledge::ota {

/// A file whose SHA-256 is being computed, or waits for it.
struct ImageFolder::Hashing {
    std::string file;
    FileStamp stamp;
    os::Descriptor descriptor;  // opened with the first slice, so a long queue needs one descriptor only
    auth::Sha256 hash;
    std::int64_t offset = 0;
};

namespace {

FileStamp stamp_of(const struct stat& status) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec * second_ns + status.st_mtim.tv_nsec,
            status.st_ctim.tv_sec * second_ns + status.st_ctim.tv_nsec};
}

/// The stamp of a regular file; nullopt = there is no such file, or it is a link, a directory or a pipe. errno is 0
/// unless the file could not be looked at.
std::optional<FileStamp> look_at(const std::string& path) {
    struct stat status {};
    const bool is_there = lstat(path.c_str(), &status) == 0;
    if (is_there || errno == ENOENT) errno = 0;
    if (!is_there || !S_ISREG(status.st_mode)) return std::nullopt;
    return stamp_of(status);
}

bool is_link(const std::string& path) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

using Files = std::map<std::string, std::optional<FileStamp>>;  // nullopt = a symbolic link

/// The regular files and links among the first `entries_max` entries of the directory. `error` = why it cannot be
/// read; then the map says nothing. With the right to read the directory, but not to enter it, only the names can be
/// read: that is an error too, and not a directory without files.
Files files_in(const std::string& directory_path, std::size_t entries_max, int& error) {
    Files files;
    DIR* const directory = opendir(directory_path.c_str());
    error = directory == nullptr ? errno : 0;
    if (directory == nullptr) return files;
    for (std::size_t entries = 0; error == 0 && entries < entries_max; ++entries) {
        errno = 0;  // readdir() returns nullptr at the end, and after an error
        const dirent* const entry = readdir(directory);
        error = errno;
        if (entry == nullptr) break;
        const std::string file = entry->d_name;
        if (file.starts_with('.')) continue;  // ".", "..", and what rsync and editors have not finished
        const auto stamp = look_at(directory_path + "/" + file);
        error = errno;
        if (stamp || (error == 0 && is_link(directory_path + "/" + file))) files.emplace(file, stamp);
    }
    closedir(directory);
    return files;
}

/// Opens the file for reading if it still is the one with this stamp. Never waits for another process.
os::Descriptor open_same(const std::string& path, const FileStamp& stamp) {
    os::Descriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!descriptor.is_open() || fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    return stamp_of(status) == stamp ? std::move(descriptor) : os::Descriptor();
}

/// Like pread(2), but complete: fewer bytes only at the end of the file, after an error, or without a file.
std::size_t read_at(const os::Descriptor& descriptor, std::int64_t offset, std::span<Byte> out) {
    std::size_t read = 0;
    while (read < out.size()) {
        const ssize_t count =
            pread(descriptor.get(), out.data() + read, out.size() - read, offset + static_cast<std::int64_t>(read));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        read += static_cast<std::size_t>(count);
    }
    return read;
}

}  // namespace

ImageFolder::ImageFolder(const OtaOptions& options, const Log& log)
    : directory_(options.directory),
      image_bytes_max_(options.image_bytes_max),
      images_max_(options.images_max),
      log_(log) {}

ImageFolder::~ImageFolder() = default;

// ---------------------------------------------------------------------------------------------------------------------
// Looking

Instant ImageFolder::look(Instant now) {
    // A directory that cannot be read now says nothing about its files, so everything stays as it is.
    if (const auto present = list()) keep(*present);
    return now + (unsettled_.empty() ? look_interval : settle_interval);
}

/// The regular files of the directory with names that an image may have. Files that do not fit are told once.
std::optional<std::map<std::string, FileStamp>> ImageFolder::list() {
    int error = 0;
    const Files files = files_in(directory_, entries_max, error);
    note_directory(error);
    if (error != 0) return std::nullopt;
    std::map<std::string, FileStamp> present;
    std::set<std::string> named;
    for (const auto& [file, stamp] : files) {
        if (!stamp) {
            refuse(file, "it is a symbolic link, which is not followed; put the file itself there");
            named.insert(file);
            continue;
        }
        const auto unusable = unusable_.find(file);
        const bool is_unusable = unusable != unusable_.end() && unusable->second == *stamp;
        const std::string problem = is_unusable ? std::string() : problem_of(file, *stamp);
        if (!problem.empty()) refuse(file, problem);
        if (problem.empty() && !is_unusable)
            present.emplace(file, *stamp);
        else
            named.insert(file);
    }
    std::erase_if(unusable_, [&](const auto& one) { return !named.contains(one.first); });
    // The names are sorted, so at each look the same files are the first ones.
    while (present.size() > images_max_) {
        const auto last = std::prev(present.end());
        refuse(last->first, "there are more than " + std::to_string(images_max_) + " images");
        named.insert(last->first);
        present.erase(last);
    }
    refused_ = std::move(named);
    return present;
}

void ImageFolder::note_directory(int error) {
    if (error != 0 && error != directory_error_)
        log_.warning("ota_directory_unreadable", {{"directory", directory_}, {"reason", system_code(error).message()}});
    directory_error_ = error;
}

/// Begins to hash what has not changed since the last look, and forgets the images whose files have changed.
void ImageFolder::keep(const std::map<std::string, FileStamp>& present) {
    for (auto at = images_.begin(); at != images_.end();) {
        const auto found = present.find(at->first);
        const auto next = std::next(at);
        if (found == present.end() || found->second != at->second.stamp) drop(at);
        at = next;
    }
    std::erase_if(queue_, [&](const auto& one) {
        const auto found = present.find(one->file);
        return found == present.end() || found->second != one->stamp;
    });
    std::map<std::string, FileStamp> unsettled;
    for (const auto& [file, stamp] : present) {
        const auto queued = std::ranges::find(queue_, file, [](const auto& one) { return one->file; });
        if (images_.contains(file) || queued != queue_.end()) continue;
        const auto before = unsettled_.find(file);
        if (before != unsettled_.end() && before->second == stamp)
            begin(file, stamp);
        else
            unsettled.emplace(file, stamp);
    }
    if (!unsettled.empty() || !unsettled_.empty()) ++version_;
    unsettled_ = std::move(unsettled);
}

void ImageFolder::drop(std::map<std::string, Image>::iterator at) {
    log_.info("ota_image_removed", {{"file", at->first}});
    images_.erase(at);
    ++version_;
}

// ---------------------------------------------------------------------------------------------------------------------
// Names

/// nullopt = the name or the version cannot be a level of a topic, or is too long.
std::optional<ImageFolder::NameParts> ImageFolder::split(std::string_view file) {
    const std::size_t at = std::min(file.rfind('@'), file.size());
    const NameParts parts{file.substr(0, at), file.substr(std::min(at + 1, file.size()))};
    const bool has_control = std::ranges::any_of(file, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (has_control || file.find_first_of("+#/") != std::string_view::npos || !wire::is_valid_utf8(file))
        return std::nullopt;
    if (parts.name.empty() || parts.name.size() > name_bytes_max || parts.version.size() > version_bytes_max)
        return std::nullopt;
    return parts;
}

std::string ImageFolder::problem_of(const std::string& file, const FileStamp& stamp) const {
    if (!split(file))
        return "the name must be NAME or NAME@VERSION, of 1 to " + std::to_string(name_bytes_max) + " and up to " +
               std::to_string(version_bytes_max) + " bytes, without + and #";
    if (stamp.size == 0) return "the file is empty";
    if (stamp.size > image_bytes_max_)
        return "the file has " + std::to_string(stamp.size) + " bytes (ota.image_bytes_max is " +
               std::to_string(image_bytes_max_) + ")";
    return {};
}

void ImageFolder::refuse(const std::string& file, std::string_view reason) {
    if (!refused_.contains(file)) log_.warning("ota_image_refused", {{"file", file}, {"reason", reason}});
}

// ---------------------------------------------------------------------------------------------------------------------
// Hashing

void ImageFolder::begin(const std::string& file, const FileStamp& stamp) {
    auto hashing = std::make_unique<Hashing>();
    hashing->file = file;
    hashing->stamp = stamp;
    queue_.push_back(std::move(hashing));
}

void ImageFolder::hash_slice() {
    LEDGE_ASSERT(is_hashing());
    Hashing& hashing = *queue_.front();
    if (!hashing.descriptor.is_open()) hashing.descriptor = open_same(path_of(hashing.file), hashing.stamp);
    std::array<Byte, slice_bytes_max> slice;
    const auto rest = static_cast<std::size_t>(hashing.stamp.size - hashing.offset);
    const std::size_t wanted = std::min(slice.size(), rest);
    const std::size_t read = read_at(hashing.descriptor, hashing.offset, std::span(slice).first(wanted));
    hashing.hash.add(Bytes(slice).first(read));
    hashing.offset += static_cast<std::int64_t>(read);
    const bool is_complete = hashing.offset == hashing.stamp.size;
    if (read == wanted && !is_complete) return;
    // A file that has changed meanwhile is a new file for the next look.
    const bool is_unchanged = look_at(path_of(hashing.file)) == hashing.stamp;
    if (is_unchanged && is_complete) finish(hashing);
    if (is_unchanged && !is_complete) set_aside(hashing, "the file cannot be read");
    queue_.erase(queue_.begin());
    ++version_;
}

void ImageFolder::set_aside(const Hashing& hashing, std::string_view reason) {
    refuse(hashing.file, reason);
    unusable_.insert_or_assign(hashing.file, hashing.stamp);
}

void ImageFolder::finish(Hashing& hashing) {
    const auto parts = split(hashing.file);
    LEDGE_ASSERT(parts.has_value());
    Image image;
    image.name = parts->name;
    image.version = parts->version;
    image.stamp = hashing.stamp;
    image.digest = hashing.hash.end();
    image.size = static_cast<std::uint32_t>(hashing.stamp.size);
    image.id = image_id_of(image.digest);
    const Image* const other = find(image.id);
    if (other != nullptr && other->digest != image.digest)  // one of 4,294,967,296 pairs of files
        return set_aside(hashing, "another image has the same image id; change a byte of this one");
    std::string id;
    append_hex(image.id, 8, id);
    log_.info("ota_image", {{"file", hashing.file}, {"size", image.size}, {"id", id}});
    images_.insert_or_assign(hashing.file, std::move(image));
}

// ---------------------------------------------------------------------------------------------------------------------
// Images

/// The file that was modified last is the newest one; with equal times, the one whose name comes last.
std::vector<const Image*> ImageFolder::newest() const {
    std::map<std::string_view, const Image*> by_name;
    for (const auto& [file, image] : images_) {
        const Image*& best = by_name[image.name];
        if (best == nullptr || image.stamp.modified_ns >= best->stamp.modified_ns) best = &image;
    }
    std::vector<const Image*> all;
    for (const auto& [name, image] : by_name)
        if (!is_pending(name)) all.push_back(image);
    return all;
}

bool ImageFolder::is_pending(std::string_view name) const {
    const auto is_of_name = [&](std::string_view file) { return split(file).value_or(NameParts{}).name == name; };
    return std::ranges::any_of(unsettled_, [&](const auto& one) { return is_of_name(one.first); }) ||
           std::ranges::any_of(queue_, [&](const auto& one) { return is_of_name(one->file); });
}

const Image* ImageFolder::find(std::uint32_t id) const {
    const auto found = std::ranges::find_if(images_, [id](const auto& one) { return one.second.id == id; });
    return found == images_.end() ? nullptr : &found->second;
}

bool ImageFolder::read(const Image& image, std::uint32_t offset, std::size_t bytes_max, std::vector<Byte>& out) {
    LEDGE_ASSERT(offset < image.size);
    const auto at = std::ranges::find_if(images_, [&](const auto& one) { return &one.second == &image; });
    LEDGE_ASSERT(at != images_.end());
    const os::Descriptor descriptor = open_same(path_of(at->first), image.stamp);
    const std::size_t before = out.size();
    const std::size_t wanted = std::min<std::size_t>(bytes_max, image.size - offset);
    out.resize(before + wanted);
    if (read_at(descriptor, offset, std::span(out).subspan(before)) == wanted) return true;
    out.resize(before);
    // The next look says what has become of the file. Until then its name counts as pending, so the manifest stays.
    unsettled_.emplace(at->first, FileStamp{});
    drop(at);
    return false;
}

}  // namespace ledge::ota
