// Publications of operators: POST /publish, and messages that are retained or removed. On the thread of the loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api_request.hpp"
#include "site.hpp"

namespace ledge::journal {
struct PublicationView;
}  // namespace ledge::journal

namespace ledge::admin {

/// Complains about `field` unless operators may publish to the topic.
void check_topic(ApiRequest& request, std::string_view topic, std::string_view field);
/// Publishes, waits until the message is as safe as its level promises if its QoS is at least 1, and answers: 204, or
/// 200 with the number of matched sessions if `tells_matched`.
void publish_and_answer(Site& site, ApiRequest request, const journal::PublicationView& publication,
                        bool tells_matched);

inline constexpr NumberRange publish_qos_levels{0, 2};
inline constexpr NumberRange publish_expiry_seconds{1, 0xFFFF'FFFF};

}  // namespace ledge::admin
