// Writes the attribute index of a segment, from its payloads.
//
// The payloads are read once, and again for fields whose values did not fit the memory that a pass may take. What a field takes in the
// file is bounded: one with many long or many different values is named, but not indexed, and filters on it look at payloads.
// Threads: a plain function; the source is called from the caller's thread.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "shared/base/bytes.hpp"
#include "shared/format/section_file.hpp"

namespace ndb::attributes {

struct IndexLimits {
  std::uint64_t memory_bytes = 256ULL << 20;        ///< of collected values in one pass, roughly
  std::uint64_t field_bytes_per_row = 128;          ///< of the file; a field above is not indexed
  std::uint64_t file_bytes_per_row = 512;           ///< of all fields; what does not fit is not indexed
};

/// Which fields are indexed. A name stands for a path and for what is under it: "author" for author.name, too.
struct FieldChoice {
  std::vector<std::string> only;   ///< empty: all
  std::vector<std::string> never;
};

/// Row number → its payload (FlexBuffers; empty for none).
using PayloadSource = std::function<Result<base::ByteSpan>(Row)>;

/// Creates the file, synced. Nothing, and no file, if a payload is not what encode() makes.
[[nodiscard]] Result<std::optional<format::FileRef>> write_attributes(fs::FileSystem& fs, const fs::Path& path, SegmentId segment,
                                                                      Row rows, const PayloadSource& source,
                                                                      const FieldChoice& choice = {}, const IndexLimits& limits = {},
                                                                      const std::stop_token& stop = {});

}  // namespace ndb::attributes
