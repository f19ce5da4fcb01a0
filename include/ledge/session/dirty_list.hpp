// DirtyList: the connections with something for the driver (output, or the end of a pause in reading), oldest first.
// The driver looks at each once a turn. Intrusive: Connection holds the hook.
#pragma once

namespace ledge::session {

class Connection;

class DirtyList {
public:
    /// Puts it at the end. No effect when it is in the list.
    void add(Connection& connection);
    /// Takes the first one out; nullptr when the list is empty.
    Connection* pop();
    /// Takes one out that is about to be destroyed. O(length of the list); no effect when it is not in the list.
    void remove(Connection& connection);

private:
    Connection* head_ = nullptr;
    Connection* tail_ = nullptr;
};

}  // namespace ledge::session
