// The folder in which a repair sets damaged files aside, beside the collection: <data>/.<name>.damaged-<unix ms>/, with the paths
// that they had in the collection. Hard links where the file system has them, copies elsewhere; nothing is taken away here.
// Threads: one.
#pragma once

#include <string>
#include <string_view>

#include "shared/fs/file_system.hpp"

namespace ndb::writer {

class Evidence {
 public:
  /// Creates the folder.
  [[nodiscard]] static Result<Evidence> create(fs::FileSystem& fs, const fs::Path& collection);

  /// Keeps one file of the collection. A file that is missing is nothing to keep; one that is kept already is left alone.
  [[nodiscard]] Status keep(const fs::Path& path);
  /// Keeps every file of a folder of the collection.
  [[nodiscard]] Status keep_folder(const fs::Path& path);
  /// Adds a text of ours.
  [[nodiscard]] Status write(std::string_view name, std::string_view text);
  [[nodiscard]] const fs::Path& folder() const noexcept { return folder_; }

 private:
  Evidence(fs::FileSystem& fs, fs::Path collection, fs::Path folder)
      : fs_(&fs), collection_(std::move(collection)), folder_(std::move(folder)) {}

  fs::FileSystem* fs_;
  fs::Path collection_, folder_;
};

}  // namespace ndb::writer
