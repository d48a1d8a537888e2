// Bodies of requests as FlatBuffers.
#include "ipc/http/codec/flatbuffers_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace ndb;

NDB_FUZZ_TARGET(flatbuffers, data, size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  if (const auto search = http::parse_search_flatbuffers(body))
    for (const float x : search->query()) static_cast<void>(x);
  if (const auto ids = http::parse_ids_flatbuffers(body))
    for (const auto& id : *ids) fuzz::must(id.size() <= size, "an id longer than its body");
  static_cast<void>(http::parse_documents_flatbuffers(body));
  return 0;
}
