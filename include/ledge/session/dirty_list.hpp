// DirtyList: the connections that have something for the driver (output, or the end of a pause in reading), oldest
// first. The driver empties the list once per turn. Intrusive: Connection holds the hook. Owned by the shard; on the
// shard's thread.
#pragma once

namespace ledge::session {

class Connection;

class DirtyList {
public:
    /// Appends the connection. No effect when the connection is in the list already.
    void add(Connection& connection);
    /// Removes the first connection and returns it; nullptr when the list is empty.
    Connection* pop();
    /// Removes a connection that is about to be destroyed. O(length of the list). No effect when the connection is not
    /// in the list.
    void remove(Connection& connection);

private:
    Connection* head_ = nullptr;
    Connection* tail_ = nullptr;
};

}  // namespace ledge::session
