// StoreDir: the directory of a store, checked and locked, and the files in it:
//   data.mdb             the store            data.mdb-lock    LMDB's readers and writer, worthless when nobody runs
//   lock                 who has it: a lock, and the pid as text
//   state                "clean SIZE MTIME_NS": how data.mdb was left at a clean end; "running STARTS": in use, or the
//                        end was none; STARTS counts starts that did not last
//   data.mdb.corrupt-N   quarantined
//   data.mdb.new         becomes data.mdb when it is whole; so does
//   data.mdb.salvaged    which is whole when there is no data.mdb: the damaged one was put aside for it
//   data.mdb.compacted   likewise, by `store compact`
//   data.mdb.restored    whole, by `store restore`; like data.mdb.salvaged it becomes data.mdb when there is none
//   data.mdb.replaced-N  what `store restore --force` has replaced
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "ledge/base/result.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

/// With root's rights: the owner of the open directory gets the file. Without them: nothing.
void give_to_owner_of(int directory, int file);

class StoreDir {
public:
    /// Creates the directory if its parent exists; checks that it is ours alone to write and that no file of the store
    /// is a symbolic link; takes the lock, of the file `lock` and of the directory itself.
    static Result<StoreDir, StoreError> open(const std::string& path, bool creates);

    const std::string& path() const { return path_; }
    std::string file(const char* name) const { return path_ + "/" + name; }
    std::string data_path() const { return file("data.mdb"); }
    std::string lmdb_lock_path() const { return file("data.mdb-lock"); }

    /// How the last use ended.
    struct Past {
        bool is_clean = false;    // and nobody has changed the file since
        unsigned short_runs = 0;  // unclean ends in a row, each soon after its start
    };
    Past past() const;
    /// From here on an end without mark_clean is a crash. Durable when it returns; false: cannot be written.
    bool mark_running(unsigned short_runs);
    /// Not durable: an end that a power cut undoes is one after which the file is read, nothing worse.
    bool mark_clean();
    /// A broker has used this directory, and data.mdb is missing or empty.
    bool has_lost_data() const;
    /// Every member of the directory's group could replace the store.
    bool is_group_writable() const;

    /// Names in the directory are on stable storage.
    int sync() const;

    std::string new_path() const { return data_path() + ".new"; }
    std::string salvaged_path() const { return data_path() + ".salvaged"; }
    std::string compacted_path() const { return data_path() + ".compacted"; }
    std::string restored_path() const { return data_path() + ".restored"; }

    /// What a process left that ended while it made a file: takes the whole one, removes the others. 0 or errno.
    int finish_interrupted() const;
    /// Gives a file that is whole and synced the name data.mdb, durably. 0 or errno.
    int adopt(const std::string& file) const;
    /// Moves data.mdb out of the way, to data.mdb.WHY-N; the new path, or an error text.
    Result<std::string, std::string> set_aside(const char* why);
    /// The owner of the directory gets the file, so that a broker without root's rights can use it.
    void give_to_owner(int descriptor) const { give_to_owner_of(directory_.get(), descriptor); }

private:
    StoreDir(std::string path, os::Descriptor lock, os::Descriptor directory)
        : path_(std::move(path)), lock_(std::move(lock)), directory_(std::move(directory)) {}
    bool write_state(const std::string& text, bool is_durable);

    std::string path_;
    os::Descriptor lock_;
    os::Descriptor directory_;  // locked as well: a second broker is kept out even when `lock` was deleted
};

/// The process that has the store; 0: nobody; -1: one that is not known.
pid_t holder_of(const std::string& directory);

/// "PATH: WHAT: REASON" from errno.
std::string system_text(const std::string& path, const char* what, int code);

}  // namespace ledge::storage
