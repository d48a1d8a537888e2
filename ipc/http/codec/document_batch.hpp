// Internal to ipc/http/codec: what a DocumentBatch owns.
#pragma once

#include <string>
#include <vector>

#include "ipc/http/codec/request_codec.hpp"

namespace ndb::http {

struct DocumentBatch::Storage {
  struct Slot {
    std::string id;
    std::size_t vector_begin = 0, vector_end = 0;    // in `floats`
    std::size_t payload_begin = 0, payload_end = 0;  // in `body`
  };
  std::string body;
  std::vector<float> floats;        // JSON only
  std::vector<Slot> slots;          // JSON only
  std::vector<DocumentView> views;  // into the above, which must not change any more
};

}  // namespace ndb::http
