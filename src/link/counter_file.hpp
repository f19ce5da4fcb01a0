// CounterFile: keeps the counters of devices with a key over a restart (mqttsn/envelope_counters.hpp has the text and
// what must be on disk before what). The file is replaced as a whole, on a thread of its own: the loop never waits for
// the disk. On the loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ledge/base/error.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/transport/driver.hpp"

namespace boost::asio {
class io_context;
}
namespace ledge::mqttsn {
class Gateway;
}

namespace ledge::link {

class CounterFile {
public:
    /// Between two writes. Devices that connect in this time share one write, which spares the flash memory.
    static constexpr Duration write_pause = 500ms;
    /// After a write that has failed.
    static constexpr Duration failure_pause = 5s;

    /// All of them must outlive the object.
    CounterFile(mqttsn::Gateway& gateway, boost::asio::io_context& io, transport::Driver& driver, const Log& log,
                std::string listener);
    /// Does not wait for a write under way: the file stays the old one, or becomes the new one.
    ~CounterFile();
    CounterFile(const CounterFile&) = delete;
    CounterFile& operator=(const CounterFile&) = delete;

    /// Names the file; "" = no device has a key. The first name is the file that is read. A file that does not exist
    /// yet is no error. A later name is that of a file that is written soon.
    std::optional<Error> use(const std::string& path);

    void turn(Instant now);
    bool wants_turn(Instant now) const { return is_due() && now >= next_write_; }
    /// When turn() has something to do.
    Instant next_deadline() const { return is_due() ? next_write_ : never; }
    /// Begins no further write: nobody connects any more, and a slow disk would delay the end.
    void stop() { is_stopped_ = true; }
    /// True = a write is under way.
    bool is_writing() const { return worker_ != nullptr; }

private:
    class Write;
    bool is_due() const;
    void written(int error);

    mqttsn::Gateway& gateway_;
    boost::asio::io_context& io_;
    transport::Driver& driver_;
    const Log& log_;
    const std::string listener_;
    std::string path_;
    bool was_read_ = false;
    bool has_failed_ = false;  // the last write
    bool is_stopped_ = false;
    Instant next_write_{};
    // nullptr while nothing is written: a broker whose devices stay connected has no idle thread. The last member, so
    // that its thread ends before the other members do.
    std::unique_ptr<os::WorkerPool> worker_;
};

}  // namespace ledge::link
