// StoreDir: the directory of a store, after its checks, and with its locks held. The store or the tool that uses the
// directory owns the StoreDir. The files in the directory:
//   data.mdb             the store
//   data.mdb-lock        LMDB's table of readers and its writer lock; of no value when no process uses the store
//   lock                 the lock file of the process that uses the store; it contains the pid as text
//   state                "clean SIZE MTIME_NS": size and time of data.mdb at a clean end; "running STARTS": a process
//                        uses the store or has crashed; STARTS counts the starts in a row that soon ended in a crash
//   data.mdb.corrupt-N   damaged files in quarantine
//   data.mdb.new         a file that is being made; it is renamed to data.mdb when it is complete
//   data.mdb.salvaged    the readable rows of a damaged file, being made; it is complete if there is no data.mdb,
//                        because data.mdb is renamed to data.mdb.corrupt-N only after that
//   data.mdb.compacted   a compacted copy by `store compact`, being made
//   data.mdb.restored    a complete copy by `store restore`; it becomes data.mdb when there is none
//   data.mdb.replaced-N  a store that `store restore --force` has replaced
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "ledge/base/result.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

/// Gives the open file to the owner of the open directory, if this process runs as root. Otherwise does nothing.
void give_to_owner_of(int directory, int file);

class StoreDir {
public:
    /// Opens and locks the directory. `creates`: creates the directory if its parent exists. Fails if everybody may
    /// write to the directory, or if a file of the store is a symbolic link. Locks the file `lock` and the directory
    /// itself.
    static Result<StoreDir, Error> open(const std::string& path, bool creates);

    const std::string& path() const { return path_; }
    std::string file(const char* name) const { return path_ + "/" + name; }
    std::string data_path() const { return file("data.mdb"); }
    std::string lmdb_lock_path() const { return file("data.mdb-lock"); }

    /// How the last run ended.
    struct Past {
        bool is_clean = false;    // the run ended cleanly, and nobody has changed the file since
        unsigned short_runs = 0;  // crashes in a row, each soon after its start
    };
    Past past() const;
    /// From now on, an end without mark_clean() counts as a crash. The mark is durable when the call returns true;
    /// false = it cannot be written.
    bool mark_running(unsigned short_runs);
    /// Marks a clean end. The mark is not durable: if a power cut removes it, the next start checks the file, nothing
    /// worse.
    bool mark_clean();
    /// A broker has used this directory, and data.mdb is missing or empty.
    bool has_lost_data() const;
    /// Every member of the directory's group can replace the store.
    bool is_group_writable() const;

    /// Brings the names in the directory to stable storage. Returns 0 or errno.
    int sync() const;

    std::string new_path() const { return data_path() + ".new"; }
    std::string salvaged_path() const { return data_path() + ".salvaged"; }
    std::string compacted_path() const { return data_path() + ".compacted"; }
    std::string restored_path() const { return data_path() + ".restored"; }

    /// Finishes the work of a process that ended while it made a file: a complete file becomes data.mdb if there is
    /// none, all other unfinished files are removed. Returns 0 or errno.
    int finish_interrupted() const;
    /// Renames a complete and synced file to data.mdb, durably. Returns 0 or errno.
    int adopt(const std::string& file) const;
    /// Renames data.mdb to data.mdb.WHY-N. Returns the new path.
    Result<std::string, Error> set_aside(const char* why);
    /// Gives the file to the owner of the directory, so that a broker that does not run as root can use it.
    void give_to_owner(int descriptor) const { give_to_owner_of(directory_.get(), descriptor); }

private:
    StoreDir(std::string path, os::Descriptor lock, os::Descriptor directory)
        : path_(std::move(path)), lock_(std::move(lock)), directory_(std::move(directory)) {}
    bool write_state(const std::string& text, bool is_durable);

    std::string path_;
    os::Descriptor lock_;
    os::Descriptor directory_;  // locked too: a second broker is kept out even if somebody deletes `lock`
};

/// The process that uses the store; 0 = no process; -1 = a process whose pid is not known.
pid_t holder_of(const std::string& directory);

/// The error of a directory without data.mdb.
Error no_store_in(const std::string& path);

}  // namespace ledge::storage
