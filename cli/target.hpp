// What the tool works on: a folder (embedded) or a server (HTTP). Both speak the JSON of the HTTP contract (docs/http.md), so
// that commands print one thing, whichever it is.
//
// Threads: a Target belongs to one thread at a time; the import hands it from one to another.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ipc/http/codec/request_codec.hpp"
#include "ndb/collection_config.hpp"
#include "ndb/document.hpp"
#include "ndb/error.hpp"

namespace ndb::cli {

enum class Job : std::uint8_t { flush, compact, build_index, drop_index };

class Target {
 public:
  virtual ~Target() = default;

  /// {"collections":[{"name","dim","distance","documents"}]}
  [[nodiscard]] virtual Result<std::string> list() = 0;
  /// Stats of the new collection; already_exists.
  [[nodiscard]] virtual Result<std::string> create(const std::string& name, const CollectionConfig& config) = 0;
  [[nodiscard]] virtual Status drop(const std::string& name) = 0;
  [[nodiscard]] virtual Result<std::string> stats(const std::string& name) = 0;
  [[nodiscard]] virtual Result<std::string> manifest(const std::string& name, const http::AsOf& as_of) = 0;
  /// {"retention_s","interval_s","bytes","versions":[{"version","seq","time","unix_ms"}]}
  [[nodiscard]] virtual Result<std::string> history(const std::string& name) = 0;
  /// {"retention_s","interval_s"} → {"manifest_version"}
  [[nodiscard]] virtual Result<std::string> set_history(const std::string& name, const std::string& body) = 0;
  [[nodiscard]] virtual Result<std::string> replicas(const std::string& name) = 0;
  // Bodies of the next ones, but remove(), may also have "at_version" or "at_time"; then answers have "as_of".

  /// {"ids"} → {"documents","missing"}
  [[nodiscard]] virtual Result<std::string> get(const std::string& name, const std::string& body) = 0;
  /// {"ids"} or {"filter"} → {"seq","deleted"}
  [[nodiscard]] virtual Result<std::string> remove(const std::string& name, const std::string& body) = 0;
  /// {"vector",…} → {"matches",…}
  [[nodiscard]] virtual Result<std::string> search(const std::string& name, const std::string& body) = 0;
  /// {"filter"} → {"count"}
  [[nodiscard]] virtual Result<std::string> count(const std::string& name, const std::string& body) = 0;
  /// {"filter","limit","after"} → {"documents","next"}
  [[nodiscard]] virtual Result<std::string> scroll(const std::string& name, const std::string& body) = 0;
  /// → {"manifest_version"}
  [[nodiscard]] virtual Result<std::string> run(const std::string& name, Job job, bool wait) = 0;
  /// One atomic batch.
  [[nodiscard]] virtual Result<WriteResult> insert(const std::string& name, std::span<const DocumentView> documents) = 0;
};

/// Where the target is; exactly one of the first two is set.
struct TargetAddress {
  std::string data_dir;
  std::string url;
  std::string api_key;                        ///< for url; "" for none
  std::chrono::seconds timeout{60};           ///< of a request over HTTP; jobs that are waited for have a day
  std::uint64_t load_segment_rows = 0;        ///< for Purpose::load: up to which segments are merged; 0: as always
};

/// What a command is going to do; a folder is opened read-only, without lock, for reading. load: many writes and then no more, so
/// a folder's engine keeps little in memory and leaves graphs to later.
enum class Purpose : std::uint8_t { read, write, load };

[[nodiscard]] Result<std::unique_ptr<Target>> open_embedded_target(const TargetAddress& address, Purpose purpose);
[[nodiscard]] Result<std::unique_ptr<Target>> open_http_target(const TargetAddress& address);
[[nodiscard]] Result<std::unique_ptr<Target>> open_target(const TargetAddress& address, Purpose purpose);

}  // namespace ndb::cli
