// A file for functions that want a path, rewritten for each input. One thread.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/fuzz/fuzz_target.hpp"

namespace ndb::fuzz {

class ScratchFile {
 public:
  explicit ScratchFile(const std::string& extension)
      : path_((std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path().string()) + "/ndb-fuzz-" +
              std::to_string(::getpid()) + extension) {}
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { ::unlink(path_.c_str()); }

  const std::string& put(const std::uint8_t* data, std::size_t size) const {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    must(file != nullptr && std::fwrite(data, 1, size, file) == size && std::fclose(file) == 0, "writing a scratch file");
    return path_;
  }

 private:
  std::string path_;
};

}  // namespace ndb::fuzz
