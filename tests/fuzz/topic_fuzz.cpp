// topic_fuzz: input := (operation:u8 text 0x00)*. FilterTrie and TopicTree against the definition, topic::matches.
#include <set>
#include <string>

#include "input.hpp"
#include "ledge/topic/filter_trie.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/topic/topic_tree.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using namespace ledge::topic;

constexpr std::uint32_t levels_max = 128;
constexpr std::size_t texts_max = 64;

class Texts {
public:
    void add_filter(const std::string& filter) {
        if (filters_.size() >= texts_max || is_shared(filter) || !is_valid_filter(filter, levels_max)) return;
        const FilterTrie::Inserted inserted = trie_.insert(filter);
        fuzz::require(inserted.is_new == filters_.insert(filter).second, "a filter is new once");
        std::string text;
        trie_.append_filter(inserted.id, text);
        fuzz::require(text == filter, "a filter is read back");
    }

    void erase_filter(const std::string& filter) {
        if (is_shared(filter) || !is_valid_filter(filter, levels_max)) return;
        const auto id = trie_.find(filter);
        fuzz::require(id.has_value() == (filters_.erase(filter) == 1), "a filter is found");
        if (id) trie_.erase(*id);
    }

    void add_topic(const std::string& topic) {
        if (topics_.size() >= texts_max || !is_valid_topic(topic, levels_max)) return;
        const TopicTree::Inserted inserted = tree_.insert(topic);
        fuzz::require(inserted.is_new == topics_.insert(topic).second, "a topic is new once");
    }

    void erase_topic(const std::string& topic) {
        if (!is_valid_topic(topic, levels_max)) return;
        const auto id = tree_.find(topic);
        fuzz::require(id.has_value() == (topics_.erase(topic) == 1), "a topic is found");
        if (id) tree_.erase(*id);
    }

    void match_topic(const std::string& topic) const {
        if (!is_valid_topic(topic, levels_max)) return;
        std::vector<FilterId> ids;
        trie_.match(topic, ids);
        std::multiset<std::string> found;
        for (const FilterId id : ids) {
            std::string text;
            trie_.append_filter(id, text);
            found.insert(text);
        }
        std::multiset<std::string> expected;
        for (const std::string& filter : filters_) {
            if (matches(filter, topic)) expected.insert(filter);
        }
        fuzz::require(found == expected, "the trie finds what matches, once");
    }

    void match_filter(const std::string& filter) const {
        if (is_shared(filter) || !is_valid_filter(filter, levels_max)) return;
        std::vector<TopicId> ids;
        tree_.match(filter, ids);
        std::vector<TopicId> portions;
        std::vector<TopicId> all;
        for (const std::string& topic : topics_) all.push_back(*tree_.find(topic));
        tree_.match_among(filter, all, portions);
        std::multiset<std::string> expected;
        for (const std::string& topic : topics_) {
            if (matches(filter, topic)) expected.insert(topic);
        }
        fuzz::require(names(ids) == expected, "the tree finds what matches, once");
        fuzz::require(names(portions) == expected, "so it does among all of them");
    }

    void clear() {
        while (!filters_.empty()) erase_filter(std::string(*filters_.begin()));
        while (!topics_.empty()) erase_topic(std::string(*topics_.begin()));
        fuzz::require(trie_.size() == 0 && tree_.size() == 0, "nothing is left");
    }

private:
    std::multiset<std::string> names(const std::vector<TopicId>& ids) const {
        std::multiset<std::string> found;
        for (const TopicId id : ids) {
            std::string text;
            tree_.append_topic(id, text);
            found.insert(text);
        }
        return found;
    }

    FilterTrie trie_{1};
    TopicTree tree_{1};
    std::set<std::string> filters_;
    std::set<std::string> topics_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Texts texts;
    while (!input.empty()) {
        const unsigned operation = input.below(6);
        std::string text;
        for (Byte byte = input.byte(); byte != 0 && text.size() < 300; byte = input.byte())
            text += static_cast<char>(byte);
        switch (operation) {
            case 0: texts.add_filter(text); break;
            case 1: texts.erase_filter(text); break;
            case 2: texts.add_topic(text); break;
            case 3: texts.erase_topic(text); break;
            case 4: texts.match_topic(text); break;
            default: texts.match_filter(text); break;
        }
    }
    texts.clear();
    return 0;
}
