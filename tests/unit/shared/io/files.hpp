// Files for the reader tests: written to a folder of their own, removed afterwards.
#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "shared/io/vector_reader.hpp"
#include "tests/support/catch.hpp"

namespace files {

class File {
 public:
  File(const std::string& name, const std::string& content) {
    static int count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("ndb-io-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directory(folder_);
    path_ = folder_ / name;
    std::ofstream(path_, std::ios::binary) << content;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path folder_, path_;
};

template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), std::data(values), bytes.size());
  return bytes;
}

inline std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string text = header;
  while ((10 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string length = raw({static_cast<std::uint32_t>(text.size())});
  if (version == 1) length.resize(2);
  return std::string("\x93NUMPY") + version + '\0' + length + text + data;
}
inline std::string npy_f4(const std::string& shape, const std::string& data) {
  return npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }", data);
}

/// Everything that a file holds, read `max_rows` at a time; or the error.
inline ndb::Result<ndb::io::Batch> read_all(const std::filesystem::path& path, std::size_t max_rows = 2) {
  auto reader = ndb::io::VectorReader::open(path);
  if (!reader) return std::unexpected(reader.error());
  ndb::io::Batch all, part;
  all.dim = (*reader)->dim();
  std::uint64_t rows = 0;
  for (;;) {
    const auto more = (*reader)->next(part, max_rows);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    CHECK(part.size() >= 1);
    CHECK(part.size() <= max_rows);
    CHECK(part.first_row == rows);
    rows += part.size();
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    all.ids.insert(all.ids.end(), part.ids.begin(), part.ids.end());
    if (part.payloads.empty()) part.payloads.resize(part.size());
    all.payloads.insert(all.payloads.end(), part.payloads.begin(), part.payloads.end());
  }
  if ((*reader)->rows()) CHECK((*reader)->rows() == rows);
  CHECK((*reader)->bytes_read() == (*reader)->bytes_total());
  return all;
}

inline std::vector<float> values_of(const std::string& name, const std::string& content) {
  const File file(name, content);
  const auto all = read_all(file.path());
  if (!all) FAIL(all.error().message);
  return all->values;
}

/// The message that a file is refused with, its path shortened to F; empty if it is read.
inline std::string error_of(const std::string& name, const std::string& content) {
  const File file(name, content);
  const auto all = read_all(file.path());
  if (all) return "";
  CHECK(all.error().code == ndb::ErrorCode::invalid_argument);
  std::string message = all.error().message;
  CHECK(message.starts_with(file.path().string() + ": "));
  return std::string("F").append(message, file.path().string().size());
}

}  // namespace files
