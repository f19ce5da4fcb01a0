#include "admin_tokens.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "list_key.hpp"
#include "print_option.hpp"

namespace ledge::config {
namespace {

constexpr std::size_t token_name_bytes_max = 64;

// These lines are part of --print-config; [[admin.tokens]] has no rows in the table of options.
constexpr std::string_view tokens_help =
    "# Tokens of operators and programs. name: for the log. file: a file with one line, the token, of at least 16\n"
    "# characters. rights: \"read\" sees everything, \"act\" may also change the broker. At most 32 tokens. The files\n"
    "# are read again on SIGHUP. admin.token_file is one more token, with the name \"token\" and the right act.\n";
constexpr std::string_view tokens_example =
    "# [[admin.tokens]]\n"
    "# name = \"dashboard\"\n"
    "# file = \"/etc/ledgemq/dashboard.token\"\n"
    "# rights = \"read\"\n";

std::string_view rights_of(const AdminTokenSettings& token) { return token.may_act ? "act" : "read"; }

}  // namespace

bool AdminTokens::is_of_tokens(std::string_view key) { return is_of_list(admin_tokens_key, key); }

std::string AdminTokens::assign(const Assignment& assignment) {
    LEDGE_ASSERT(is_of_tokens(assignment.key));
    const auto key = parse_list_key(admin_tokens_key, assignment.key);
    if (!key || (key->member != "name" && key->member != "file" && key->member != "rights"))
        return "is unknown; write [[admin.tokens]] with name, file and rights below it";
    if (key->number == 0 || key->number > admin_tokens_max || key->number > drafts_.size() + 1) {
        return "has a number out of order: there are " + std::to_string(drafts_.size()) + " tokens so far, at most " +
               std::to_string(admin_tokens_max);
    }
    const auto* text = std::get_if<std::string>(&assignment.value);
    if (text == nullptr) return "must be a text in quotes, not " + describe(assignment.value);
    if (key->number > drafts_.size()) {
        drafts_.emplace_back();
        places_.push_back(assignment.place);
    }
    AdminTokenSettings& draft = drafts_[key->number - 1];
    if (key->member == "name") {
        draft.name = *text;
        return is_bare_key(*text) && text->size() <= token_name_bytes_max
                   ? std::string()
                   : "must be 1 to 64 letters, digits, '-' and '_'";
    }
    if (key->member == "file") {
        draft.file = *text;
        return text->empty() ? "is empty" : "";
    }
    draft.may_act = *text == "act";
    draft.has_rights = true;
    return draft.may_act || *text == "read" ? "" : "must be \"read\" or \"act\"";
}

std::vector<AdminTokenSettings> AdminTokens::finish(std::vector<Complaint>& complaints) const {
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
        const AdminTokenSettings& draft = drafts_[i];
        const auto complain = [&](std::string_view what) {
            complaints.push_back({places_[i], "an [[admin.tokens]] has " + std::string(what)});
        };
        if (draft.name.empty()) complain("no name");
        if (draft.file.empty()) complain("no file");
        // Rights have no default: a token that may act by accident is dangerous, and one that may not is a riddle.
        if (!draft.has_rights) complain("no rights; write rights = \"read\" or rights = \"act\"");
        const auto is_equal = [&draft](const AdminTokenSettings& other) { return other.name == draft.name; };
        const auto before = drafts_.begin() + static_cast<std::ptrdiff_t>(i);
        // admin.token_file has this name in the log.
        if (draft.name == "token" || (!draft.name.empty() && std::any_of(drafts_.begin(), before, is_equal)))
            complain("a name that another token has: " + draft.name);
    }
    return drafts_;
}

std::string print_admin_tokens(const std::vector<AdminTokenSettings>& tokens, const Origin& origin) {
    std::string out(tokens_help);
    if (tokens.empty()) out += tokens_example;
    std::size_t number = 0;
    for (const AdminTokenSettings& token : tokens) {
        const Origin of_token = origin.below(std::string(admin_tokens_key) + "." + std::to_string(++number) + ".");
        out += "[[admin.tokens]]\nname = " + of_token.value_of("name", text_literal(token.name)) +
               "\nfile = " + of_token.value_of("file", text_literal(token.file)) +
               "\nrights = " + of_token.value_of("rights", quoted(rights_of(token))) + "\n";
    }
    return out + "\n";
}

std::string admin_tokens_text(const std::vector<AdminTokenSettings>& tokens) {
    std::string out;
    for (const AdminTokenSettings& token : tokens)
        out += quoted(token.name) + " " + quoted(token.file) + " " + std::string(rights_of(token)) + " ";
    return out;
}

}  // namespace ledge::config
