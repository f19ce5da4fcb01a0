// Answers of the API whose question to the shard may take several turns (broker/inspect.hpp). On the thread of the
// loop.
#pragma once

#include <memory>
#include <utility>

#include "api_request.hpp"
#include "ledge/broker/inspect.hpp"
#include "ledge/broker/shard.hpp"
#include "ongoing.hpp"
#include "site.hpp"

namespace ledge::admin {

/// Writes the answer of a question that is done.
template <class Question>
using WriteAnswer = void (*)(ApiRequest& request, Question& question);

template <class Question>
class QuestionAnswer final : public Ongoing {
public:
    QuestionAnswer(Site& site, ApiRequest request, Question question, WriteAnswer<Question> write)
        : site_(site), request_(std::move(request)), question_(std::move(question)), write_(write) {}

    std::optional<Instant> go_on(Instant now) override {
        if (!request_.is_open()) return std::nullopt;  // the peer has gone
        if (!site_.shard().inspector().step(question_)) return now;
        write_(request_, question_);
        return std::nullopt;
    }

private:
    Site& site_;
    ApiRequest request_;
    Question question_;
    WriteAnswer<Question> write_;
};

/// Answers now if one step is enough, otherwise in a later turn.
template <class Question>
void answer_question(Site& site, ApiRequest request, Question question, WriteAnswer<Question> write) {
    site.ongoing.begin(std::make_unique<QuestionAnswer<Question>>(site, std::move(request), std::move(question), write),
                       site.now());
}

/// `next` of a list is a cursor: the client sends it back as `after`. A cursor may have any bytes, so it travels in
/// hexadecimal digits.
void add_cursor(JsonWriter& body, std::string_view next);
/// The query parameter `after`; "" = the first page.
std::string query_cursor(ApiRequest& request);

/// The member payload, or payload_base64 if the bytes are not UTF-8.
void add_payload(JsonWriter& body, std::string_view payload);
/// The payload of a body: exactly one of the members payload and payload_base64.
std::string payload_of(ApiRequest& request);

inline std::int64_t in_seconds(Duration time) { return std::chrono::duration_cast<std::chrono::seconds>(time).count(); }

}  // namespace ledge::admin
