// GET /store/backup: a consistent copy of the running store as a download. Another process of this program makes the
// copy (`ledgemq store backup`), because only that process may be lost to a damaged page, and because a second
// environment on the same file is forbidden in one process. A worker waits for that process.
//
//     request ──► copying (worker, program) ──► sending (64 KiB per turn, as fast as the peer reads) ──► removed
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "ledge/net/post.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/program.hpp"
#include "ledge/os/worker_pool.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {
namespace {

class Backup final : public Ongoing {
public:
    static constexpr Duration copy_time_max = 11min;  // `store backup` itself gives up after ten
    static constexpr std::size_t piece_bytes = 16 * 1024;

    Backup(Site& site, ApiRequest request)
        : site_(site), request_(std::move(request)), target_(site.operations.store_path + "/backup-download.mdb") {
        site_.is_backup_under_way = true;
        request_->wait_without_limit();
    }
    ~Backup() override {
        stop_.request();
        pool_.reset();
        // The broker ends in the middle of the download. The peer must not take what it has for the whole copy.
        if (!is_all_sent_) stream_.abort();
        // The peer has gone, or the broker ends: nobody needs the copy.
        ::unlink(target_.c_str());
        site_.is_backup_under_way = false;
    }

    /// False: no worker could be started, and the request was answered.
    bool begin() {
        auto pool = os::WorkerPool::create(net::post_to(*site_.io), {.name = "backup"});
        if (!pool) {
            request_->refuse(503, "a thread for the copy cannot be started: " + pool.error().message());
            return false;
        }
        pool_ = std::move(*pool);
        request_->on_gone([this] { site_.ongoing.wake(this); });
        ::unlink(target_.c_str());  // of a run that was killed
        pool_->submit(std::make_unique<Copy>(*this));
        return true;
    }

    std::optional<Instant> go_on(Instant) override {
        if (request_ && !request_->is_open()) return std::nullopt;
        if (request_ && !result_) return never;  // Copy::done() wakes this work
        if (request_ && !begin_sending()) return std::nullopt;
        return send() ? std::optional(never) : std::nullopt;
    }

private:
    class Copy final : public os::WorkerPool::Job {
    public:
        explicit Copy(Backup& backup) : backup_(backup) {}
        /// On the worker. What it uses does not change until the end of the call.
        void run() override {
            const auto& operations = backup_.site_.operations;
            result_.emplace(
                os::run_program({operations.program, "store", "backup", operations.store_path, backup_.target_},
                                {.time_max = copy_time_max}, backup_.stop_));
        }
        void done() override {
            Backup& backup = backup_;
            backup.result_ = std::move(result_);
            backup.site_.ongoing.wake(&backup);
            backup.pool_.reset();  // destroys this job
        }

    private:
        Backup& backup_;
        std::optional<os::ProgramResult> result_;
    };

    /// False: there is no copy, and the request was answered.
    bool begin_sending() {
        if (!result_->problem.empty()) {
            request_->refuse(503, "the store cannot be copied: " + result_->problem + ": " + result_->errors);
            return false;
        }
        file_ = os::Descriptor(::open(target_.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file_.is_open()) {
            request_->refuse(503, "the copy of the store cannot be read");
            return false;
        }
        // The file has no name any more, so it ends with the descriptor whatever happens.
        ::unlink(target_.c_str());
        stream_ = request_->stream(
            {"application/octet-stream", {{"Content-Disposition", "attachment; filename=\"ledgemq-backup.mdb\""}}});
        request_.reset();
        const auto wake = [this] { site_.ongoing.wake(this); };
        stream_.on_drained(wake);
        stream_.on_gone(wake);
        return true;
    }

    /// Fills the buffer of the stream. The file was written a moment ago, so reading it hardly waits for the disk.
    /// False: the download is over.
    bool send() {
        std::array<char, piece_bytes> piece;
        while (stream_.room() >= piece.size()) {
            const ssize_t size = ::read(file_.get(), piece.data(), piece.size());
            if (size < 0 && errno == EINTR) continue;
            is_all_sent_ = size == 0;
            if (size <= 0) return false;  // the destructor ends the stream, or breaks it off
            stream_.write({piece.data(), static_cast<std::size_t>(size)});
        }
        return stream_.is_open();
    }

    Site& site_;
    std::optional<ApiRequest> request_;  // empty when the stream has begun
    std::string target_;
    os::ProgramStop stop_;
    std::optional<os::ProgramResult> result_;
    os::Descriptor file_;
    transport::HttpStream stream_;
    bool is_all_sent_ = false;              // the whole copy is in the buffer of the stream
    std::unique_ptr<os::WorkerPool> pool_;  // the last member: its thread uses the others
};

}  // namespace

void get_backup(Site& site, ApiRequest request) {
    // The copy is always compacted; the parameter is there for programs that say so.
    request.query_flag("compact", true);
    if (request.refuse_if_wrong()) return;
    if (site.operations.store_path.empty()) return request.refuse(409, "this broker has no store");
    if (site.is_backup_under_way) return request.refuse(409, "another backup is under way; try again later");
    auto backup = std::make_unique<Backup>(site, std::move(request));
    Backup& begun = *backup;
    if (begun.begin()) site.ongoing.add(std::move(backup));
}

}  // namespace ledge::admin
