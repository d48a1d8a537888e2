// Asks a writer for its log over HTTP: what follows a place in a WAL file, at once or as soon as there is something.
//
// Threads: any.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "bindings/http/access.hpp"
#include "ipc/http/client.hpp"
#include "writer/wal_feed.hpp"

namespace ndb::http {

class RemoteLog {
 public:
  /// The writer answers at the latest after so long, and is given some more time for that.
  static constexpr std::chrono::milliseconds kLongestWait{30'000};

  /// client: how to reach the writer; its request timeout is not used. keys: those of now; the first that is set is shown.
  RemoteLog(std::string writer_url, ClientOptions client, std::function<Keys()> keys);

  /// What the writer has of `collection` behind `place`; waits for up to `wait` where that is nothing. not_found: the file, or the
  /// collection, is gone.
  [[nodiscard]] Result<writer::WalChunk> read(const std::string& collection, const writer::WalPlace& place, std::chrono::milliseconds wait);

 private:
  ClientPool writer_;
  const std::function<Keys()> keys_;
};

/// The name of a WAL file in a request or an answer: that of the file itself, "<epoch>-<index>.wal".
[[nodiscard]] std::string wal_file_text(format::WalName file);

inline constexpr std::string_view kManifestVersionHeader = "NDB-Manifest-Version";
inline constexpr std::string_view kNextFileHeader = "NDB-Next-File";

}  // namespace ndb::http
