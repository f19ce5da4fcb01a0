// Builds a device table from the assignments of a TOML file. Each member of [[devices]] is collected first; its key
// file is read when the whole member is known.
#include "ledge/config/devices_file.hpp"

#include <sys/stat.h>

#include <charconv>
#include <map>
#include <optional>

#include "device_keys.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/mqttsn/endpoint_options.hpp"
#include "ledge/os/file.hpp"
#include "ledge/topic/name.hpp"
#include "nearest.hpp"
#include "toml_file.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view counters_key = "counters_file";
constexpr std::string_view topics_key = "predefined_topics";
constexpr std::int64_t device_rate_max = 1'000'000;

/// One [[devices]], as far as it has been read.
struct DeviceDraft {
    mqttsn::DeviceRule rule;
    std::string key_file;
    std::string place;           // of its first key
    std::string key_file_place;  // of the key `key_file`
    bool has_client_id = false;
};

/// "client_id 'x'" in a complaint, cut: it comes from a file.
std::string device_name(std::string_view client_id) {
    constexpr std::size_t shown_bytes_max = 60;
    return "client_id " + quoted(client_id.substr(0, shown_bytes_max));
}

/// Topic ids 0 and 65535 are reserved (MQTT-SN 1.2 section 5.3.11).
std::optional<mqttsn::TopicId> topic_id_of(std::string_view digits) {
    mqttsn::TopicId id = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    const bool is_number = error == std::errc() && end == digits.data() + digits.size();
    return is_number && !mqttsn::is_reserved(id) ? std::optional(id) : std::nullopt;
}

/// The topic with a short client id in the place of %c.
std::string sample_of(std::string topic) {
    for (std::size_t at = topic.find("%c"); at != std::string::npos; at = topic.find("%c")) topic.replace(at, 2, "c");
    return topic;
}

/// Reads one devices file. Used once.
class DevicesReader {
public:
    Devices run(const std::string& path) {
        const auto text = read_file(path, path, "the devices file", file_bytes_max);
        if (!text) return std::move(out_);
        TomlText toml = read_toml(*text, path);
        // With a mistake in the syntax there are no assignments, so nothing else can be checked.
        for (Complaint& complaint : toml.complaints) complain(complaint.place, std::move(complaint.text));
        for (const Assignment& assignment : toml.assignments) read(assignment);
        // Closed from the beginning: a file without devices admits nobody, and not everybody.
        out_.table = mqttsn::DeviceTable::of_file();
        for (auto& [number, draft] : drafts_) finish(draft);
        check_counters_file(path);
        if (out_.ok() && out_.table.size() == 0)
            out_.notes.push_back(path + " lists no devices: no device may connect to the listener");
        return std::move(out_);
    }

private:
    void complain(std::string place, std::string text) {
        if (out_.complaints.size() < complaints_max) out_.complaints.push_back({std::move(place), std::move(text)});
    }

    /// nullopt: the file cannot be used, and a complaint has been added.
    std::optional<std::string> read_file(const std::string& path, const std::string& place, std::string_view what,
                                         std::size_t bytes_max, mode_t forbidden = S_IWOTH) {
        // Also a file that cannot be read is watched: it is read again when it has been corrected.
        out_.files.push_back(path);
        auto file = os::read_regular_file(path, bytes_max);
        if (!file) {
            complain(place, text_of(file.error(), what));
            return std::nullopt;
        }
        if (file->text.size() > bytes_max) {
            complain(place, path + " is larger than " + std::to_string(bytes_max) + " bytes");
            return std::nullopt;
        }
        if ((file->mode & forbidden) != 0) {
            complain(place, "every user of this machine can " +
                                std::string((file->mode & S_IROTH & forbidden) != 0 ? "read " : "write ") + path +
                                "; run chmod " + (forbidden == S_IWOTH ? "o-w " : "o-rw ") + path);
            return std::nullopt;
        }
        return std::move(file->text);
    }

    /// key := "counters_file" | "devices." NUMBER "." KEY [ "." TOPIC_ID ]
    void read(const Assignment& assignment) {
        // The path is used rather than the key, because a name in quotes may contain dots.
        const std::vector<std::string>& path = assignment.path;
        LEDGE_ASSERT(!path.empty());
        if (path.front() == counters_key && path.size() == 1)
            return read_text(assignment, out_.counters_file, "the path of a file");
        if (path.front() != devices_key) {
            const std::string known[] = {std::string(counters_key), std::string(devices_key)};
            return complain_unknown(assignment, path.front(), known);
        }
        DeviceDraft* const draft = draft_of(assignment);
        if (draft == nullptr)
            return complain(assignment.place, "'devices' is a list: write [[devices]] in double brackets");
        if (path.size() == 1) return;  // a member without keys
        if (path[1] == topics_key) return read_topic(assignment, draft->rule);
        // A longer path is a table in the place of a value.
        path.size() == 2 ? read_key(assignment, *draft) : complain_kind(assignment, "a value and no section");
    }

    /// The member that the key belongs to; nullptr = the file has no list [[devices]]. A list puts the number of the
    /// member into the key, but not into the path.
    DeviceDraft* draft_of(const Assignment& assignment) {
        const std::string_view rest =
            std::string_view(assignment.key).substr(std::min(assignment.key.size(), devices_key.size() + 1));
        const std::string_view digits = rest.substr(0, rest.find('.'));
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        const bool is_number = error == std::errc() && end == digits.data() + digits.size();
        const bool is_list = is_number && (assignment.path.size() == 1 || assignment.path[1] != digits);
        if (!is_list) return nullptr;
        DeviceDraft& draft = drafts_[number];
        if (draft.place.empty()) draft.place = assignment.place;
        return &draft;
    }

    void read_key(const Assignment& assignment, DeviceDraft& draft) {
        const std::string& key = assignment.path[1];
        if (key == "client_id") return read_client_id(assignment, draft);
        if (key == "user") {
            read_text(assignment, draft.rule.user, "the name of a user");
            if (!draft.rule.user.empty() && !auth::is_user_name(draft.rule.user))
                complain(assignment.place, "is an invalid user: a user name has 1 to 1024 bytes of text, and no ':'");
            return;
        }
        if (key == "key_file") {
            draft.key_file_place = assignment.place;
            return read_text(assignment, draft.key_file, "the path of a file");
        }
        if (key == "messages_per_second_max") {
            const auto* const number = std::get_if<std::int64_t>(&assignment.value);
            if (number == nullptr || *number < 0 || *number > device_rate_max)
                return complain_kind(assignment, "a number from 0 (unlimited) to " + std::to_string(device_rate_max));
            draft.rule.messages_per_second_max = static_cast<std::uint32_t>(*number);
            return;
        }
        const std::string known[] = {"client_id", "user", "key_file", "messages_per_second_max",
                                     std::string(topics_key)};
        complain_unknown(assignment, key, known);
    }

    void read_client_id(const Assignment& assignment, DeviceDraft& draft) {
        std::string& client_id = draft.rule.client_id;
        read_text(assignment, client_id, "a client id, or the beginning of client ids and '*'");
        draft.has_client_id = true;
        if (client_id.find('*') < client_id.size() - 1 && !client_id.empty())
            complain(assignment.place, device_name(client_id) +
                                           " has a '*' that is not at its end: a pattern is the "
                                           "beginning of client ids and then '*'");
        constexpr std::size_t bytes_max = mqttsn::EndpointOptions{}.client_id_bytes_max;
        if (client_id.size() - (draft.rule.is_pattern() ? 1 : 0) > bytes_max)
            complain(assignment.place, device_name(client_id) + " is longer than " + std::to_string(bytes_max) +
                                           " bytes, so no device can connect with it");
    }

    void read_topic(const Assignment& assignment, mqttsn::DeviceRule& rule) {
        if (assignment.path.size() != 3) {
            const auto* const other = std::get_if<OtherValue>(&assignment.value);
            const bool is_empty_section = assignment.path.size() == 2 && other != nullptr && other->kind == table_kind;
            if (!is_empty_section) complain_kind(assignment, "a section; write [devices.predefined_topics]");
            return;
        }
        const auto id = topic_id_of(assignment.path[2]);
        if (!id)
            return complain(assignment.place, "'" + assignment.path[2].substr(0, 20) +
                                                  "' is not a topic id: use 1 to 65534, as in 1 = \"meter/energy\"");
        std::string topic;
        read_text(assignment, topic, "a topic");
        if (!std::holds_alternative<std::string>(assignment.value)) return;
        if (!topic::is_valid_topic(sample_of(topic), topic::levels_hard_max) || topic.starts_with('$'))
            return complain(assignment.place, quoted(topic) +
                                                  " is not a topic that devices may publish to; it must "
                                                  "not be empty, and have no wildcards and no $ at its "
                                                  "start");
        rule.topics[*id] = std::move(topic);
    }

    void read_text(const Assignment& assignment, std::string& out, std::string_view what) {
        const auto* const text = std::get_if<std::string>(&assignment.value);
        if (text == nullptr || text->empty()) return complain_kind(assignment, std::string(what));
        out = *text;
    }

    void complain_kind(const Assignment& assignment, const std::string& wanted) {
        complain(assignment.place, "'" + assignment.path.back().substr(0, 60) + "' must be " + wanted + ", not " +
                                       describe(assignment.value));
    }

    void complain_unknown(const Assignment& assignment, std::string_view word, std::span<const std::string> known) {
        const std::string meant = nearest(word, known);
        std::string all;
        for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
        complain(assignment.place, "key " + quoted(word.substr(0, 60)) + " is unknown here; " +
                                       (meant.empty() ? "there are " + all : "did you mean '" + meant + "'?"));
    }

    /// Adds the rule of a member, or one rule for each line of its key file.
    void finish(DeviceDraft& draft) {
        if (!draft.has_client_id)
            return complain(draft.place, "the [[devices]] that begins here has no client_id; add client_id = \"...\"");
        if (draft.key_file.empty()) return add(std::move(draft.rule), draft.place);
        const DeviceKeys* const keys = keys_of(draft);
        if (keys == nullptr) return;
        if (!keys->shared.bytes().empty()) {
            draft.rule.key = keys->shared;
            return add(std::move(draft.rule), draft.place);
        }
        const bool is_pattern = draft.rule.is_pattern();
        // Each line becomes a rule of its own, which wins against patterns. A device whose line is removed is then not
        // admitted by the pattern of this member, since the member itself adds no rule.
        const std::string start = draft.rule.client_id.substr(0, draft.rule.client_id.size() - (is_pattern ? 1 : 0));
        bool has_line = false;
        for (const auto& [client_id, key] : keys->by_client_id) {
            if (is_pattern ? !client_id.starts_with(start) : client_id != start) continue;
            has_line = true;
            mqttsn::DeviceRule rule = draft.rule;
            rule.client_id = client_id;
            rule.key = key;
            add(std::move(rule), draft.place);
        }
        if (!has_line)
            complain(draft.key_file_place, draft.key_file + " has no line CLIENT_ID:KEY for " +
                                               device_name(draft.rule.client_id) + "; add one, or correct client_id");
    }

    /// nullptr: the file cannot be used, and a complaint has been added. Several members may name one file.
    const DeviceKeys* keys_of(const DeviceDraft& draft) {
        // The file is read once, so that its mistakes are told once.
        const auto [known, is_new] = keys_.try_emplace(draft.key_file);
        if (!is_new) return known->second ? &*known->second : nullptr;
        // Whoever can read the file can speak as these devices.
        auto text = read_file(draft.key_file, draft.key_file_place, "the key file", auth::text_file_bytes_max,
                              S_IROTH | S_IWOTH);
        if (!text) return nullptr;
        auto keys = parse_device_keys(*text);
        // Also after a mistake, and before the complaint is made.
        wipe(text->data(), text->size());
        if (!keys) {
            const KeyFileProblem& problem = keys.error();
            const std::string place =
                problem.line == 0 ? draft.key_file : draft.key_file + ":" + std::to_string(problem.line);
            complain(place, (problem.line == 0 ? "the file " : "the line ") + problem.text);
            return nullptr;
        }
        known->second = std::move(*keys);
        return &*known->second;
    }

    /// Two rules for one client id would leave open which of them counts.
    void add(mqttsn::DeviceRule rule, const std::string& place) {
        const std::string name = device_name(rule.client_id);
        // One complaint, not one for each device too many.
        if (out_.table.size() >= devices_max) {
            if (out_.table.size() == devices_max)
                complain(place, "more than " + std::to_string(devices_max) + " devices");
            return;
        }
        if (!out_.table.add(std::move(rule)))
            complain(place, name + " was listed before; each client id and pattern may stand once");
    }

    void check_counters_file(const std::string& path) {
        if (out_.table.has_keys() && out_.counters_file.empty())
            complain(path,
                     "devices with a key require a file in which the broker keeps their counters, so that nobody "
                     "can repeat old packets after a restart; add counters_file = \"/var/lib/ledgemq/NAME\" in "
                     "front of the first [[devices]]");
        if (!out_.table.has_keys() && !out_.counters_file.empty() && out_.ok())
            out_.notes.push_back(path + ": counters_file has no effect, because no device has a key");
    }

    Devices out_;
    std::map<std::size_t, DeviceDraft> drafts_;              // by their position in the list
    std::map<std::string, std::optional<DeviceKeys>> keys_;  // by the path of their file
};

}  // namespace

Devices read_devices_file(const std::string& path) { return DevicesReader().run(path); }

}  // namespace ledge::config
