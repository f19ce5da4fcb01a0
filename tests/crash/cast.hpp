// Cast: who plays in the load, and what each session is owed. Topics: data/PUBLISHER/TOPIC/QOS, retained/..., wills/...
#pragma once

#include <memory>
#include <vector>

#include "bystanders.hpp"
#include "client.hpp"
#include "ledger.hpp"

namespace ledge::crash {

class Cast {
public:
    /// `levels`: of the topics of each publisher. `has_copies`: overlapping subscriptions get a copy each; then nobody
    /// has any.
    Cast(Stage& stage, const std::vector<Level>& levels, bool has_copies);
    Cast(const Cast&) = delete;
    Cast& operator=(const Cast&) = delete;

    bool is_settled() const;
    std::vector<std::string> unsettled() const;
    /// All is drained: reads the retained messages again and compares.
    void read_retained();
    /// Counts what is missing for good and begins the next round.
    void close_books();

private:
    void add_publisher(unsigned number, wire::Version version, Level level);
    void add_subscribers(bool has_copies);
    void add_group();
    void add_bystanders();
    Account& add_account(std::string name, bool is_ordered = true);

    Stage& stage_;
    std::vector<StreamId> data_;      // streams
    std::vector<StreamId> retained_;  // streams
    std::vector<std::unique_ptr<Account>> accounts_;
    RetainedReader* retained_reader_ = nullptr;
    WillReader* will_reader_ = nullptr;
};

}  // namespace ledge::crash
