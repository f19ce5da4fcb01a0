// Tasks are read by a real thread; the test decides when the reading ends, and runs the loop.
#include "reloader.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "ledge/base/log.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"

namespace ledge::runtime {
namespace {

const Log no_log;

/// What the tasks of one kind did, and what they are told to do.
struct Tasks {
    MakeReloadTask maker() {
        return [this] { return std::make_unique<Task>(*this); };
    }

    std::shared_future<void> may_end;  // the reading waits for it, if it is valid
    Reloaded outcome = Reloaded::in_force;
    int made = 0;
    int put_in_force = 0;
    std::thread::id reader;  // the thread of the last reading; valid after put_in_force()

private:
    class Task final : public ReloadTask {
    public:
        explicit Task(Tasks& of) : of_(of), may_end_(of.may_end) { ++of.made; }
        void read() override {
            reader_ = std::this_thread::get_id();
            if (may_end_.valid()) may_end_.wait();
        }
        Reloaded put_in_force() override {
            ++of_.put_in_force;
            of_.reader = reader_;
            return of_.outcome;
        }

    private:
        Tasks& of_;
        std::shared_future<void> may_end_;
        std::thread::id reader_;
    };
};

struct ReloadRig {
    ReloadRig() : shard(options(), no_log, 1, Instant{}) {
        reloader.emplace(io, shard, configuration.maker(), policy.maker());
    }
    static broker::ShardOptions options() {
        broker::ShardOptions result;
        result.sys_interval = Duration(0);
        result.listeners.push_back({"test", true, 10, {}});
        return result;
    }
    /// Runs the loop until `is_done` is true, for `turns_max` times 10 ms at most.
    template <class Condition>
    bool until(Condition is_done, int turns_max = 1000) {
        for (int i = 0; i < turns_max && !is_done(); ++i) {
            io.restart();
            io.run_one_for(10ms);
        }
        return is_done();
    }
    /// Lets the reloader look at its files often enough to see a change and that the change has settled.
    void looks_at_files() {
        for (int i = 0; i < 3; ++i) reloader->on_time(now += os::FileWatch::look_interval);
    }
    std::uint64_t refused() { return shard.metrics().counters.policies_refused; }

    boost::asio::io_context io;
    // Without work of its own a loop returns at once, and a wait for another thread would not wait.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work = boost::asio::make_work_guard(io);
    Instant now{};
    broker::Shard shard;
    Tasks configuration;
    Tasks policy;
    std::optional<Reloader> reloader;
};

struct File {
    File() { write("1"); }
    ~File() { std::filesystem::remove(path); }
    void write(const std::string& text) const { std::ofstream(path, std::ios::trunc) << text; }
    const std::string path =
        (std::filesystem::temp_directory_path() / ("ledgemq-reloader-" + std::to_string(::getpid()))).string();
};

TEST_CASE("a task is read on another thread, and its result is put in force on the loop's") {
    ReloadRig rig;
    rig.reloader->read_configuration();
    CHECK(rig.configuration.put_in_force == 0);
    REQUIRE(rig.until([&] { return rig.configuration.put_in_force == 1; }));
    CHECK(rig.configuration.reader != std::thread::id{});
    CHECK(rig.configuration.reader != std::this_thread::get_id());
    CHECK(rig.refused() == 0);
}

TEST_CASE("whatever is wanted while a task is read is read once more afterwards") {
    ReloadRig rig;
    const File file;
    rig.reloader->watch_files({file.path}, rig.now);
    std::promise<void> end;
    rig.configuration.may_end = end.get_future().share();
    rig.reloader->read_configuration();
    rig.reloader->read_configuration();
    rig.reloader->read_configuration();
    int put_in_force = 2;
    SUBCASE("the configuration") {}
    SUBCASE("the configuration with the policy: the files are read once, and the half-read ones are dropped") {
        file.write("22");
        rig.looks_at_files();
        put_in_force = 1;
    }
    CHECK(rig.configuration.made == 1);
    end.set_value();
    REQUIRE(rig.until([&] { return rig.configuration.put_in_force == put_in_force; }));
    CHECK(rig.configuration.made == 2);
    CHECK(rig.policy.made == 0);
}

TEST_CASE("a file that changes while it is read is read again, and what was read before is not put in force") {
    ReloadRig rig;
    const File file;
    rig.reloader->watch_files({file.path}, rig.now);
    std::promise<void> end;
    SUBCASE("while the configuration is read") {
        rig.configuration.may_end = end.get_future().share();
        rig.reloader->read_configuration();
    }
    SUBCASE("while the policy is read") {
        rig.policy.may_end = end.get_future().share();
        file.write("22");
        rig.looks_at_files();
    }
    const int before = rig.policy.made;
    CHECK(rig.configuration.made + before == 1);
    file.write("333");
    rig.looks_at_files();
    CHECK(rig.policy.made == before);
    end.set_value();
    CHECK(rig.until([&] { return rig.policy.put_in_force + rig.configuration.put_in_force == 1; }));
    CHECK(rig.policy.made + rig.configuration.made == 2);
    CHECK_FALSE(rig.until([&] { return rig.policy.put_in_force + rig.configuration.put_in_force == 2; }, 20));
}

TEST_CASE("a refused configuration is counted, and a file that changed before it is read by itself") {
    ReloadRig rig;
    const File file;
    rig.reloader->watch_files({file.path}, rig.now);
    rig.configuration.outcome = Reloaded::refused;
    file.write("22");
    rig.reloader->read_configuration();
    REQUIRE(rig.until([&] { return rig.refused() == 1; }));
    rig.looks_at_files();
    CHECK(rig.until([&] { return rig.policy.put_in_force == 1; }));
    // In force, the configuration includes the files.
    rig.configuration.outcome = Reloaded::in_force;
    file.write("333");
    rig.reloader->read_configuration();
    REQUIRE(rig.until([&] { return rig.configuration.put_in_force == 2; }));
    rig.looks_at_files();
    CHECK(rig.policy.made == 1);
}

TEST_CASE("a stop while a task is read waits for the reading and puts nothing in force") {
    ReloadRig rig;
    std::promise<void> end;
    rig.configuration.may_end = end.get_future().share();
    rig.reloader->read_configuration();
    rig.reloader->read_configuration();  // noted, and forgotten by the stop
    SUBCASE("a stop, then the end of the reading") {
        rig.reloader->stop();
        end.set_value();
        int turns = 0;
        rig.until([&] { return ++turns > 20; });
    }
    SUBCASE("the end at once") { end.set_value(); }
    rig.reloader.reset();
    CHECK(rig.configuration.made == 1);
    CHECK(rig.configuration.put_in_force == 0);
    rig.io.restart();
    rig.io.poll();
    CHECK(rig.configuration.put_in_force == 0);
}

TEST_CASE("after a stop nothing is read any more") {
    ReloadRig rig;
    const File file;
    rig.reloader->watch_files({file.path}, rig.now);
    rig.reloader->stop();
    rig.reloader->read_configuration();
    file.write("22");
    rig.looks_at_files();
    CHECK(rig.configuration.made == 0);
    CHECK(rig.policy.made == 0);
}

}  // namespace
}  // namespace ledge::runtime
