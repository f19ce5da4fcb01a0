// The name of this machine in the client ids of its bridges. Gateways whose disks were copied from one image have the
// same host name, and two clients with the same id disconnect each other without end.
#pragma once

#include <string>

namespace ledge::daemon {

struct MachineName {
    std::string text;             // "gateway-1a2b3c4d"; without a machine id "gateway"
    bool has_machine_id = false;  // false: another machine may have the same name
};

/// The host name, and 8 hexadecimal digits that follow from the machine id (machine-id(5)) in the file. The machine id
/// itself is confidential and cannot be computed from the digits. They stay the same as long as the machine id does.
MachineName machine_name(const std::string& host_name, const std::string& machine_id_file);
/// The name of this machine.
MachineName machine_name();

}  // namespace ledge::daemon
