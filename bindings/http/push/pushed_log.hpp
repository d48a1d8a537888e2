// The log of a writer on another host, as its bytes arrive: kept per collection and file until they are read.
//
// Threads: any.
// Invariant: what is kept of a file is one piece, and never more than kMostBytes of a collection: what is dropped is read from the file, or
// asked for, again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/format/file_names.hpp"

namespace ndb::http {

class PushedLog {
 public:
  static constexpr std::size_t kMostBytes = 64U << 20;

  /// Bytes of a file from `offset` on have arrived.
  void add(format::WalName file, std::uint64_t offset, base::ByteSpan bytes);
  /// Copies what is here of a file from `offset` on; drops what lies far before it, and files before it.
  [[nodiscard]] std::size_t read(format::WalName file, std::uint64_t offset, std::span<std::byte> into);
  /// Whether all that the writer has committed to this file has been added, but for what is on its way.
  [[nodiscard]] bool is_current(format::WalName file) const;
  void set_current(std::optional<format::WalName> file);

 private:
  struct Piece {
    std::uint64_t begin = 0;
    std::vector<std::byte> bytes;
  };
  void make_room(format::WalName newest);

  mutable std::mutex mutex_;  // guards the rest
  std::map<format::WalName, Piece> pieces_;
  std::size_t size_ = 0;
  std::optional<format::WalName> current_;
};

}  // namespace ndb::http
