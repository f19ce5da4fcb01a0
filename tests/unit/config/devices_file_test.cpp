// The devices file: what it gives a device, and a complaint about each mistake.
#include "ledge/config/devices_file.hpp"

#include "device_keys.hpp"
#include "helpers.hpp"
#include "ledge/base/quote.hpp"
#include "temporary_file.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

namespace {

const std::string ones(64, '1');
const std::string twos(64, '2');

/// The complaints, with the name of the devices file as "D" and that of the key file as "K".
Lines complaints_about(const std::string& toml, const std::string& keys = ones, mode_t mode = 0600) {
    const TemporaryFile key_file("keys", keys, mode);
    std::string text = toml;
    const auto replace = [](std::string& in, const std::string& from, const std::string& to) {
        for (std::size_t at = in.find(from); at != std::string::npos; at = in.find(from, at + to.size()))
            in.replace(at, from.size(), to);
    };
    replace(text, "KEYS", ledge::quoted(key_file.path()));
    const TemporaryFile file("devices", text);
    Lines lines;
    for (const Complaint& complaint : read_devices_file(file.path()).complaints) {
        lines.push_back(complaint.line());
        replace(lines.back(), file.path(), "D");
        replace(lines.back(), key_file.path(), "K");
    }
    return lines;
}

std::string complaint_of(const std::string& toml, const std::string& keys = ones, mode_t mode = 0600) {
    const Lines lines = complaints_about(toml, keys, mode);
    REQUIRE(lines.size() == 1);
    return lines.front();
}

const std::string with_key = "counters_file = \"/c\"\n[[devices]]\nclient_id = \"a\"\nkey_file = KEYS\n";

}  // namespace

TEST_CASE("devices file: every key of a device reaches its rule") {
    const TemporaryFile keys("keys", "# of the plant\n\nmeter-1:" + ones + "\r\nmeter-2:" + twos + "\nlamp:" + ones);
    const TemporaryFile file("devices",
                             "counters_file = \"/var/lib/ledgemq/plant\"\n"
                             "[[devices]]\nclient_id = \"meter-*\"\nuser = \"meters\"\nkey_file = " +
                                 ledge::quoted(keys.path()) +
                                 "\nmessages_per_second_max = 5\n[devices.predefined_topics]\n"
                                 "1 = \"plant/meter/%c/kwh\"\n65534 = \"x\"\n[[devices]]\nclient_id = \"guest\"\n");
    const Devices devices = read_devices_file(file.path());
    CHECK(devices.complaints.empty());
    CHECK(devices.notes.empty());
    CHECK(devices.counters_file == "/var/lib/ledgemq/plant");
    CHECK(devices.files == Lines{file.path(), keys.path()});
    CHECK(devices.table.size() == 3);
    const mqttsn::DeviceRule* const meter = devices.table.find("meter-2");
    REQUIRE(meter != nullptr);
    CHECK(meter->user == "meters");
    CHECK(meter->key.bytes()[31] == 0x22);
    CHECK(meter->messages_per_second_max == 5);
    CHECK(meter->topics == std::map<mqttsn::TopicId, std::string>{{1, "plant/meter/%c/kwh"}, {65534, "x"}});
    // Only meters with a key may connect; the key of the lamp is for another file.
    CHECK_FALSE(devices.table.admits("meter-3"));
    CHECK_FALSE(devices.table.admits("lamp"));
    const mqttsn::DeviceRule* const guest = devices.table.find("guest");
    REQUIRE(guest != nullptr);
    CHECK(guest->user.empty());
    CHECK_FALSE(guest->has_key());
}

TEST_CASE("devices file: one key may be for all devices of a pattern") {
    const TemporaryFile keys("keys", ones + "\n");
    const TemporaryFile file("devices", "counters_file = \"/c\"\n[[devices]]\nclient_id = \"m*\"\nkey_file = " +
                                            ledge::quoted(keys.path()) + "\n");
    const Devices devices = read_devices_file(file.path());
    REQUIRE(devices.ok());
    REQUIRE(devices.table.find("m7") != nullptr);
    CHECK(devices.table.find("m7")->has_key());
}

TEST_CASE("devices file: without devices nobody may connect, which is a note") {
    const TemporaryFile file("devices", "# nothing yet\n");
    const Devices devices = read_devices_file(file.path());
    CHECK(devices.ok());
    CHECK_FALSE(devices.table.admits("a"));
    CHECK(devices.notes == Lines{file.path() + " lists no devices: no device may connect to the listener"});
    const TemporaryFile useless("useless", "counters_file = \"/c\"\n[[devices]]\nclient_id = \"a\"\n");
    CHECK(read_devices_file(useless.path()).notes ==
          Lines{useless.path() + ": counters_file has no effect, because no device has a key"});
}

TEST_CASE("devices file: the example is accepted but for its files of keys") {
    const Devices devices = read_devices_file(LEDGE_CONFIG_FOLDER "/devices.toml");
    for (const Complaint& complaint : devices.complaints)
        CHECK(complaint.text.starts_with("the key file cannot be opened"));
    CHECK(devices.complaints.size() == 2);
    CHECK(devices.counters_file == "/var/lib/ledgemq/devices.counters");
}

TEST_CASE("devices file: complaints name the line and the fix") {
    const std::string device = "[[devices]]\nclient_id = \"a\"\n";
    CHECK(complaint_of("counter_file = \"x\"\n") ==
          "D:1: key \"counter_file\" is unknown here; did you mean 'counters_file'?");
    CHECK(complaint_of("counters_file = 3\n") == "D:1: 'counters_file' must be the path of a file, not the number 3");
    CHECK(complaint_of("[devices]\nclient_id = \"a\"\n") ==
          "D:2: 'devices' is a list: write [[devices]] in double brackets");
    CHECK(complaint_of("devices = 1\n") == "D:1: 'devices' is a list: write [[devices]] in double brackets");
    CHECK(complaint_of("[[devices]]\n") ==
          "D:1: the [[devices]] that begins here has no client_id; add client_id = \"...\"");
    CHECK(complaint_of("[[devices]]\nuser = \"u\"\n") ==
          "D:2: the [[devices]] that begins here has no client_id; add client_id = \"...\"");
    CHECK(complaint_of("[[devices]]\nclient_id = \"a*b\"\n") ==
          "D:2: client_id \"a*b\" has a '*' that is not at its end: a pattern is the beginning of client ids and then "
          "'*'");
    CHECK(complaint_of("[[devices]]\nclient_id = \"" + std::string(65, 'x') + "\"\n")
              .ends_with(" is longer than 64 bytes, so no device can connect with it"));
    CHECK(complaints_about("[[devices]]\nclient_id = \"" + std::string(64, 'x') + "*\"\n").empty());
    CHECK(complaint_of("[[devices]]\nclient_id = \"\"\n") ==
          "D:2: 'client_id' must be a client id, or the beginning of client ids and '*', not the text \"\"");
    CHECK(complaint_of(device + "user = \"a:b\"\n") ==
          "D:3: is an invalid user: a user name has 1 to 1024 bytes of text, and no ':'");
    CHECK(complaint_of(device + "usr = \"u\"\n") == "D:3: key \"usr\" is unknown here; did you mean 'user'?");
    CHECK(complaint_of(device + "messages_per_second_max = -1\n") ==
          "D:3: 'messages_per_second_max' must be a number from 0 (unlimited) to 1000000, not the number -1");
    CHECK(complaint_of(device + "[devices.user]\nx = 1\n").starts_with("D:4: 'x' must be a value and no section"));
    CHECK(complaint_of(device + device) ==
          "D:4: client_id \"a\" was listed before; each client id and pattern may stand once");
    CHECK(complaint_of("x = [\n").starts_with("D:"));
}

TEST_CASE("devices file: complaints about predefined topics") {
    const std::string topics = "[[devices]]\nclient_id = \"a\"\n[devices.predefined_topics]\n";
    CHECK(complaints_about(topics).empty());
    for (const std::string id : {"0", "65535", "x", "-1", "1x"})
        CHECK(complaint_of(topics + id + " = \"t\"\n") ==
              "D:4: '" + id + "' is not a topic id: use 1 to 65534, as in 1 = \"meter/energy\"");
    CHECK(complaint_of(topics + "1 = 2\n") == "D:4: '1' must be a topic, not the number 2");
    for (const std::string topic : {"a/#", "+", "$SYS/x"})
        CHECK(complaint_of(topics + "1 = \"" + topic + "\"\n")
                  .starts_with("D:4: \"" + topic + "\" is not a topic that devices may publish to"));
    CHECK(complaint_of("[[devices]]\nclient_id = \"a\"\npredefined_topics = 7\n")
              .starts_with("D:3: 'predefined_topics' must be a section"));
}

TEST_CASE("devices file: complaints about keys never show a key") {
    CHECK(complaints_about(with_key).empty());
    CHECK(complaint_of("[[devices]]\nclient_id = \"a\"\nkey_file = KEYS\n")
              .starts_with("D: devices with a key require a file in which the broker keeps their counters"));
    CHECK(complaint_of(with_key, ones, 0644) == "D:4: every user of this machine can read K; run chmod o-rw K");
    CHECK(complaint_of(with_key, ones, 0602) == "D:4: every user of this machine can write K; run chmod o-rw K");
    CHECK(complaint_of(with_key, "# none\n") ==
          "K: the file has no key; write 64 hexadecimal digits (openssl rand -hex 32 makes a key)");
    for (const std::string& wrong : {ones.substr(1), ones + "1", std::string(64, 'g'), "a:" + twos.substr(1)}) {
        const std::string line = complaint_of(with_key, "#\n" + wrong);
        CHECK(line == "K:2: the line has no key of 64 hexadecimal digits (openssl rand -hex 32 makes a key)");
    }
    CHECK(complaint_of(with_key, ones + "\n" + twos).starts_with("K:2: the line is a key without a client id"));
    CHECK(complaint_of(with_key, "a:" + ones + "\n" + twos).starts_with("K:2: the line is a key without a client id"));
    CHECK(complaint_of(with_key, ones + "\na:" + twos).starts_with("K:2: the line follows a key for all devices"));
    CHECK(complaint_of(with_key, ":" + ones) == "K:1: the line has no client id in front of ':'");
    CHECK(complaint_of(with_key, "a:" + ones + "\na:" + twos) ==
          "K:2: the line has a client id that an earlier line has as well");
    CHECK(complaint_of(with_key, "b:" + ones) ==
          "D:4: K has no line CLIENT_ID:KEY for client_id \"a\"; add one, or correct client_id");
    CHECK(complaint_of("[[devices]]\nclient_id = \"a\"\nkey_file = \"/nowhere\"\n") ==
          "D:3: the key file cannot be opened: No such file or directory");
    CHECK(complaint_of(with_key, "a:" + ones + "\na*:" + twos) ==
          "K:2: the line has a '*' in its client id; a line is for one device, so write its whole client id");
    // A client id may contain a colon.
    const auto keys = parse_device_keys("a:b:" + ones);
    REQUIRE(keys.ok());
    CHECK(keys->by_client_id.contains("a:b"));
}

TEST_CASE("devices file: two listeners must not write the same file of counters") {
    const TemporaryFile keys("keys", ones);
    const auto text_with = [&](const char* counters) {
        return std::string("counters_file = \"") + counters +
               "\"\n[[devices]]\nclient_id = \"a\"\nkey_file = " + ledge::quoted(keys.path()) + "\n";
    };
    const TemporaryFile one("one", text_with("/c"));
    const TemporaryFile same("same", text_with("/c"));
    const TemporaryFile other("other", text_with("/d"));
    const TemporaryFile without_keys("without", "counters_file = \"/c\"\n[[devices]]\nclient_id = \"a\"\n");
    const std::string complaint =
        "counters_file \"/c\" of the listener 'b' is that of the listener 'a', too; give each listener a devices file, "
        "a counters_file and keys of its own";
    CHECK(lines_of(load_policy({}, {{"a", one.path()}, {"b", same.path()}})) == Lines{same.path() + ": " + complaint});
    CHECK(lines_of(load_policy({}, {{"a", one.path()}, {"b", one.path()}})) == Lines{one.path() + ": " + complaint});
    CHECK(lines_of(load_policy({}, {{"a", one.path()}, {"b", other.path()}})).empty());
    CHECK(lines_of(load_policy({}, {{"a", one.path()}, {"b", without_keys.path()}})).empty());
}

TEST_CASE("devices file: a file that cannot be read, is too large or may be written by everybody") {
    const Devices missing = read_devices_file("/nowhere/devices.toml");
    REQUIRE(missing.complaints.size() == 1);
    CHECK(missing.complaints.front().text == "the devices file cannot be opened: No such file or directory");
    CHECK(missing.files == Lines{"/nowhere/devices.toml"});  // watched: it may come
    const TemporaryFile open("open", "", 0602);
    CHECK(read_devices_file(open.path()).complaints.front().text.ends_with("run chmod o-w " + open.path()));
    const TemporaryFile large("large", std::string(file_bytes_max + 1, '\n'));
    CHECK(read_devices_file(large.path()).complaints.size() == 1);
}
