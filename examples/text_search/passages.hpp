// Cuts text files into passages that are worth finding: paragraphs, or parts of long ones. Threads: any.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "ndb/error.hpp"

namespace ndb::text_search {

struct Passage {
  std::string file;
  std::size_t line = 0;  ///< of its first word, from 1
  std::string text;      ///< valid UTF-8, lines joined by blanks
};

/// Longest passage, in bytes; a single longer line is cut.
inline constexpr std::size_t kMaxPassageBytes = 600;

/// not_found or io_error if the file cannot be read. A file that is not text has no passages.
[[nodiscard]] Result<std::vector<Passage>> read_passages(const std::filesystem::path& file);

}  // namespace ndb::text_search
