// Error: its sentence.
#include "ledge/base/error.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge {
namespace {

constexpr std::string_view place = "{}";

/// Appends the text up to the next "{}", then `word`. The "{}" is removed from the text. A word is never searched for
/// "{}", because a path or a name may contain these characters. Without a "{}" nothing happens.
void append_up_to_place(std::string_view& text, std::string_view word, std::string& out) {
    const std::size_t at = text.find(place);
    LEDGE_ASSERT(at != std::string_view::npos || word.empty());  // each word has a place in the operation
    if (at == std::string_view::npos) return;
    out.append(text.substr(0, at)).append(word);
    text.remove_prefix(at + place.size());
}

/// The operation with its words, without the cause.
std::string sentence_of(const Error& error, std::string_view subject) {
    std::string text;
    std::string_view rest = error.operation;
    append_up_to_place(rest, subject, text);
    append_up_to_place(rest, error.detail, text);
    LEDGE_ASSERT(rest.find(place) == std::string_view::npos);
    return text.append(rest);
}

}  // namespace

std::string text_of(const Error& error) { return text_of(error, error.subject); }

std::string text_of(const Error& error, std::string_view subject) {
    std::string text = sentence_of(error, subject);
    // Without a code the operation says everything.
    if (!error.code) return text;
    const std::string cause = error.code.message();
    if (!cause.empty()) text.append(": ").append(cause);
    return text;
}

Error in_context(std::string_view operation, std::string subject, const Error& inner) {
    std::string sentence = sentence_of(inner, inner.subject);
    // The inner sentence takes the place of the subject, the first "{}".
    if (subject.empty()) return {inner.code, operation, std::move(sentence), {}};
    return {inner.code, operation, std::move(subject), std::move(sentence)};
}

}  // namespace ledge
