// What killed processes leave in a collection's folders besides the files that manifests name: temporaries that were never renamed,
// and claims of epochs long past.
//
// Threads: one caller at a time. Invariants: the newest claims stay, so that a claimer that stalled still meets them; a temporary
// goes only after it was seen for far longer than any publishing takes, as it may belong to a later writer.
#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/format/file_names.hpp"
#include "shared/fs/file_system.hpp"

namespace ndb::writer {

class Leftovers {
 public:
  /// clock outlives this.
  Leftovers(fs::FileSystem& fs, fs::Path collection, const base::Clock& clock)
      : fs_(fs), collection_(std::move(collection)), clock_(clock) {}

  /// What may be deleted now, for a writer with the epoch `mine`.
  [[nodiscard]] Result<std::vector<fs::Path>> find(Epoch mine);

 private:
  Status find_claims(Epoch mine, std::vector<fs::Path>& out) const;
  Status find_temporaries(std::vector<fs::Path>& out);

  fs::FileSystem& fs_;
  const fs::Path collection_;
  const base::Clock& clock_;
  std::map<fs::Path, std::chrono::steady_clock::time_point> first_seen_;  // temporaries
};

}  // namespace ndb::writer
