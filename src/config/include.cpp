// Reads a configuration file with its includes: depth first, each file once.
#include "include.hpp"

#include <dirent.h>
#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/os/file.hpp"
#include "toml_file.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view include_key = "include";
constexpr std::string_view wildcards = "*?[";

struct Include {
    std::string path;
    std::string place;  // of the text that names the path
};

/// The names in the directory that match the pattern, sorted by their bytes; or the reason why it cannot be read.
Result<std::vector<std::string>, Error> matching_names(const std::string& directory, const std::string& pattern) {
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
    if (open == nullptr) return Failure{Error{system_code(errno), "the directory {} cannot be read", directory}};
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(open.get())) {
        // FNM_PERIOD: editors and package managers keep their own files under names that begin with a dot.
        if (::fnmatch(pattern.c_str(), entry->d_name, FNM_PERIOD) != 0) continue;
        names.emplace_back(entry->d_name);
        // One more than the limit is enough for the complaint.
        if (names.size() > included_files_max) break;
    }
    std::ranges::sort(names);
    return names;
}

class Reader {
public:
    /// `place`: where the path is named; "" for the file of the command line.
    void read(const Include& wanted, std::size_t depth) {
        if (!may_read(wanted, depth)) return;
        const auto file = os::read_regular_file(wanted.path, file_bytes_max);
        if (!file) {
            // Only a complaint at another place must name the file.
            return wanted.place.empty() ? complain(wanted.path, text_of(file.error(), "the file"))
                                        : complain(wanted.place, "key 'include': " + text_of(file.error()));
        }
        out_.files.push_back(wanted.path);
        bytes_ += file->text.size();
        TomlText text = read_toml(file->text, wanted.path);
        std::ranges::move(text.complaints, std::back_inserter(out_.complaints));
        std::vector<Include> includes;
        const std::map<std::string, std::size_t> offsets = members_;
        for (Assignment& assignment : text.assignments) {
            if (assignment.key == include_key) {
                includes = files_of(assignment, wanted.path);
                continue;
            }
            number_through(assignment, offsets);
            out_.assignments.push_back(std::move(assignment));
        }
        for (const Include& include : includes) read(include, depth + 1);
    }

    ConfigurationFiles finish() { return std::move(out_); }

private:
    void complain(std::string place, std::string text) {
        out_.complaints.push_back({std::move(place), std::move(text)});
    }

    /// Without these limits a file that includes itself, or a directory of a million files, would never end.
    bool may_read(const Include& wanted, std::size_t depth) {
        // The same file under two names (a link, "./a") would have its lists twice.
        const std::unique_ptr<char, void (*)(void*)> real(::realpath(wanted.path.c_str(), nullptr), std::free);
        std::string problem;
        if (depth > include_depth_max)
            problem = "is included more than " + std::to_string(include_depth_max) + " files deep";
        else if (out_.files.size() > included_files_max)
            problem = "is one file too many; at most " + std::to_string(included_files_max) + " may be included";
        else if (bytes_ > all_files_bytes_max)
            problem = "and the files before it have more than 8 MiB";
        else if (!real_names_.insert(real != nullptr ? real.get() : wanted.path).second)
            problem = "is included a second time; name it once";
        if (problem.empty()) return true;
        if (problem != last_problem_) complain(wanted.place, "key 'include': " + wanted.path + " " + problem);
        last_problem_ = problem;
        return false;
    }

    std::vector<Include> files_of(const Assignment& assignment, const std::string& from) {
        const auto* texts = std::get_if<TextList>(&assignment.value);
        if (texts == nullptr) {
            complain(assignment.place, "key 'include' must be a list of paths, for example [\"conf.d/*.toml\"], not " +
                                           describe(assignment.value));
            return {};
        }
        std::vector<Include> includes;
        for (const std::string& text : *texts) add_files_of(text, assignment.place, from, includes);
        return includes;
    }

    void add_files_of(const std::string& text, const std::string& place, const std::string& from,
                      std::vector<Include>& includes) {
        const std::string path =
            text.starts_with('/') || from.find('/') == std::string::npos ? text : os::parent_of(from) + "/" + text;
        const std::string directory = os::parent_of(path);
        const std::string name = path.substr(path.rfind('/') + 1);
        if (name.empty())
            return complain(place, "key 'include': " + quoted(text) + " names no file; write conf.d/*.toml");
        if (directory.find_first_of(wildcards) != std::string::npos)
            return complain(place, "key 'include': " + quoted(text) +
                                       " has a wildcard before its last part; name one directory, and list several");
        // A name without wildcards must exist: read() says so.
        if (name.find_first_of(wildcards) == std::string::npos) {
            includes.push_back({path, place});
            return;
        }
        const auto names = matching_names(directory, name);
        // A pattern that matches nothing is allowed, because a directory of drop-ins may be empty.
        if (!names) return complain(place, "key 'include': " + text_of(names.error()));
        const std::string prefix = path.substr(0, path.size() - name.size());
        for (const std::string& match : *names) includes.push_back({prefix + match, place});
    }

    /// store.levels.1 of the second file becomes store.levels.3 if the first one has two. `offsets`: the numbers of
    /// members in the files before this one, by the key of the list.
    void number_through(Assignment& assignment, const std::map<std::string, std::size_t>& offsets) {
        if (assignment.list_number_at == 0) return;
        const std::string list = assignment.key.substr(0, assignment.list_number_at);
        const char* const begin = assignment.key.data() + assignment.list_number_at;
        std::size_t number = 0;
        const auto parsed = std::from_chars(begin, assignment.key.data() + assignment.key.size(), number);
        LEDGE_ASSERT(parsed.ec == std::errc());
        const auto offset = offsets.find(list);
        if (offset != offsets.end()) number += offset->second;
        assignment.key = list + std::to_string(number) + std::string(parsed.ptr);
        members_[list] = std::max(members_[list], number);
    }

    ConfigurationFiles out_;
    std::size_t bytes_ = 0;
    std::set<std::string> real_names_;
    std::string last_problem_;
    std::map<std::string, std::size_t> members_;  // number of members so far, by the key of the list
};

}  // namespace

ConfigurationFiles read_configuration_files(const std::string& path) {
    Reader reader;
    reader.read({path, {}}, 0);
    return reader.finish();
}

}  // namespace ledge::config
