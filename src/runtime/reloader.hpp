// Reloader: has the configuration read again after SIGHUP, and the files with users and rights after one of them has
// changed. A worker's thread reads and parses, so that large files stall no client; the loop's thread puts the result
// in force. A BrokerLoop owns the Reloader; on the loop's thread.
//
//     SIGHUP, changed file ──► wanted ──no task under way──► reading (worker) ──► put in force, or refused (loop)
// One task is under way at a time. What is wanted meanwhile is noted, and read once more afterwards. If a file has
// changed during the reading, the result is dropped and the files are read again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/os/file_watch.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/runtime/reload_task.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::runtime {

class Reloader {
public:
    /// The destructor waits this long for a task that is being read. After that, only a disk that does not answer can
    /// be the cause, and the thread is left behind.
    static constexpr Duration finish_time_max = 5s;
    /// A configuration whose files changed while they were read is read again, at most so often in a row: a file that
    /// changes all the time must not keep the others from being put in force.
    static constexpr unsigned rereadings_max = 8;

    /// `configuration` makes the tasks after SIGHUP, `policy` those after a change of a watched file; both may be
    /// empty, and are copied. Refused tasks are counted in `shard`. The worker wakes `io` when a task is read.
    Reloader(boost::asio::io_context& io, broker::Shard& shard, MakeReloadTask configuration, MakeReloadTask policy);
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    /// Sets the files to watch.
    void watch_files(std::vector<std::string> files, Instant now) { files_ = os::FileWatch(std::move(files), now); }
    const std::vector<std::string>& watched_files() const { return files_.paths(); }

    /// Reads the configuration again, after SIGHUP.
    void read_configuration();
    /// From now on no task is begun, and the result of the task under way is not put in force.
    void stop();

    /// Looks at the files if it is time to.
    void on_time(Instant now);
    Instant next_deadline() const { return files_.next_deadline(); }

private:
    class Job;
    void begin_next();
    void begin_configuration();
    void submit(std::unique_ptr<ReloadTask> task);
    void finish(ReloadTask& task);
    void drop_result();
    void note_refusal();

    boost::asio::io_context& io_;
    broker::Shard& shard_;
    MakeReloadTask configuration_;
    MakeReloadTask policy_;
    os::FileWatch files_{{}, Instant{}};
    os::FileWatch files_before_{{}, Instant{}};  // files_ before the configuration's task under way
    unsigned rereadings_ = 0;                    // of the configuration, in a row
    os::FileWatch files_at_reading_{{}};         // the files when the task under way began
    bool wants_configuration_ = false;
    bool wants_policy_ = false;
    bool is_busy_ = false;             // a task is under way
    bool is_configuration_ = false;    // the task under way reads the configuration, and the policy with it
    bool is_policy_included_ = false;  // the policy was wanted when the configuration's task began
    bool is_stopped_ = false;
    std::future<void> read_;  // ready when the worker has read the task under way
    // nullptr while no task is under way: a broker that reads no files has no idle thread. The last member, so that its
    // thread ends before the other members do.
    std::unique_ptr<os::WorkerPool> worker_;
};

}  // namespace ledge::runtime
