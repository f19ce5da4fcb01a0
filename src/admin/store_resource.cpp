// /store: its figures, and the wish for a compaction. /store/backup has a file of its own.
#include <cerrno>
#include <string>

#include "ledge/os/descriptor.hpp"
#include "ledge/os/file.hpp"
#include "overview.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {

void get_store(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    JsonWriter body;
    write_store(body, site);
    request.answer(body);
}

/// The file cannot be rewritten while the broker uses it, so the next start does it. This also gives the operator the
/// choice of the time.
void compact_store(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    if (site.operations.store_path.empty()) return request.refuse(409, "this broker has no store");
    const os::Descriptor mark = os::create_private_file(site.operations.store_path + std::string(compact_mark));
    const int error = errno;
    // A second wish finds the mark of the first.
    if (!mark.is_open() && error != EEXIST)
        return request.refuse(503, "the wish cannot be kept: " + system_code(error).message());
    transport::HttpAnswer answer;
    answer.status = 202;
    answer.content_type = json_type;
    JsonWriter body;
    body.text("detail", "the store is compacted at the next start or upgrade");
    answer.body = body.finish();
    request.answer(std::move(answer));
}

}  // namespace ledge::admin
