// The files of bindings/http/page/, compiled in. Threads: constants.
#pragma once

#include <string_view>

namespace ndb::http::page_files {

extern const std::string_view kHtml;
extern const std::string_view kScript;
extern const std::string_view kStyle;

}  // namespace ndb::http::page_files
