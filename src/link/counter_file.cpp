// The file of counters: read once, then written on a thread that exists only for the write.
#include "counter_file.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/mqttsn/gateway.hpp"
#include "ledge/net/post.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/file.hpp"

namespace ledge::link {

namespace {

constexpr std::size_t counter_file_bytes_max = 8 * 1024 * 1024;  // above 10,000 records of the longest client ids

/// Returns 0, or the errno of the call that failed. A reader, and a restart after a power cut, see the old file or the
/// new one.
int replace_file(const std::string& path, std::string_view text) {
    os::Draft draft(path + ".new");
    // A write that a power cut has ended may have left it, and create_private_file() opens no existing file.
    draft.remove_leftover();
    const os::Descriptor file = os::create_private_file(draft.path());
    if (!file.is_open()) return errno;
    int error = os::write_all(file.get(), text);
    if (error == 0) error = os::sync_file(file.get());
    if (error == 0) error = draft.rename_to(path);
    if (error != 0) return error;
    // EINVAL: the file system cannot sync a directory. From the calls above, EINVAL is a failure: the device would be
    // let in although its counter is not on disk.
    const int sync_error = os::sync_directory(os::parent_of(path));
    return sync_error == EINVAL ? 0 : sync_error;
}

}  // namespace

/// One write, on the worker's thread; its end on the loop's thread.
class CounterFile::Write final : public os::WorkerPool::Job {
public:
    Write(CounterFile& of, std::string path, std::string text)
        : of_(of), path_(std::move(path)), text_(std::move(text)) {}
    void run() override { error_ = replace_file(path_, text_); }
    void done() override { of_.written(error_); }

private:
    CounterFile& of_;  // used by done() only, which the pool does not call after the end of the CounterFile
    std::string path_;
    std::string text_;
    int error_ = 0;
};

CounterFile::CounterFile(mqttsn::Gateway& gateway, boost::asio::io_context& io, transport::Driver& driver,
                         const Log& log, std::string listener)
    : gateway_(gateway), io_(io), driver_(driver), log_(log), listener_(std::move(listener)) {}

/// The time for a stop is over when a write is still under way here. The file is replaced as a whole or not at all, and
/// no CONNECT waits for the write any more, so a disk that hangs must not keep the process alive.
CounterFile::~CounterFile() {
    if (worker_ != nullptr) worker_->leave_running();
}

std::optional<Error> CounterFile::use(const std::string& path) {
    const bool is_new = std::exchange(path_, path) != path;
    if (path.empty()) return std::nullopt;
    if (std::exchange(was_read_, true)) {
        // The memory knows more than any file, so the new one is not read. It is written at once: after a restart it is
        // the only file that is read, and without the counters old CONNECT packets could be repeated.
        if (is_new) gateway_.want_counters_written();
        return std::nullopt;
    }
    const auto file = os::read_regular_file(path, counter_file_bytes_max);
    if (!file) {
        if (file.error().code == std::errc::no_such_file_or_directory) return std::nullopt;
        return file.error();
    }
    // A damaged file is no empty file: the operator has to decide whether the counters may begin anew.
    if (gateway_.load_counters(file->text)) return std::nullopt;
    return Error{
        {},
        "{} is damaged: restore the file from a backup, or remove it; without it, old CONNECT packets of devices "
        "with a key can be repeated until these devices have connected again",
        path};
}

bool CounterFile::is_due() const {
    return !path_.empty() && !is_stopped_ && worker_ == nullptr && gateway_.wants_counters_written();
}

void CounterFile::turn(Instant now) {
    if (!wants_turn(now)) return;
    auto write = std::make_unique<Write>(*this, path_, gateway_.counters_to_write());
    auto made = os::WorkerPool::create(net::post_to(io_), {.name = "counters"});
    if (!made) return written(EAGAIN);  // the system cannot start a thread now
    // The text was made on this thread, so the worker shares nothing with the gateway.
    worker_ = std::move(*made);
    worker_->submit(std::move(write));
}

void CounterFile::written(int error) {
    const Instant now = driver_.now();
    // The job is done, so this does not wait.
    worker_.reset();
    next_write_ = now + (error == 0 ? write_pause : failure_pause);
    gateway_.counters_written(error == 0, now);
    if (error != 0 && !std::exchange(has_failed_, true))
        log_.error("mqttsn_counters_unwritten",
                   {{"listener", listener_}, {"file", path_}, {"reason", std::generic_category().message(error)}});
    if (error == 0 && std::exchange(has_failed_, false))
        log_.info("mqttsn_counters_written", {{"listener", listener_}, {"file", path_}});
}

}  // namespace ledge::link
