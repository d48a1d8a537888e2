#include "tests/unit/shared/io/files.hpp"

using namespace files;
using Floats = std::vector<float>;

namespace {

struct Entry {
  std::string name, content;
  std::uint16_t method = 0;
};

template <class T>
std::string le(T value) {
  return raw({value});
}

/// A ZIP archive as Python's zipfile writes it; zip64: with sizes and offsets in ZIP64 fields only.
std::string zip(const std::vector<Entry>& entries, bool zip64 = false) {
  std::string out, directory;
  for (const auto& [name, content, method] : entries) {
    const std::uint64_t offset = out.size(), size = content.size();
    const auto short_size = zip64 ? UINT32_MAX : static_cast<std::uint32_t>(size);
    const std::string sizes = le(std::uint32_t{0}) + le(short_size) + le(short_size);
    const std::string local_extra = zip64 ? le(std::uint16_t{1}) + le(std::uint16_t{16}) + le(size) + le(size) : "";
    const std::string extra = zip64 ? le(std::uint16_t{1}) + le(std::uint16_t{24}) + le(size) + le(size) + le(offset) : "";
    const std::string common = le(std::uint16_t{45}) + le(std::uint16_t{0}) + le(method) + le(std::uint32_t{0}) + sizes +
                               le(static_cast<std::uint16_t>(name.size()));
    out += "PK\x03\x04" + common + le(static_cast<std::uint16_t>(local_extra.size())) + name + local_extra + content;
    directory += std::string("PK\x01\x02") + le(std::uint16_t{45}) + common + le(static_cast<std::uint16_t>(extra.size())) +
                 le(std::uint16_t{0}) + le(std::uint16_t{0}) + le(std::uint16_t{0}) + le(std::uint32_t{0}) +
                 le(zip64 ? UINT32_MAX : static_cast<std::uint32_t>(offset)) + name + extra;
  }
  const std::uint64_t start = out.size(), count = entries.size();
  out += directory;
  if (zip64) {
    const std::uint64_t end = out.size();
    out += std::string("PK\x06\x06") + le(std::uint64_t{44}) + le(std::uint32_t{0}) + le(std::uint64_t{0}) + le(count) + le(count) +
           le(std::uint64_t{directory.size()}) + le(start);
    out += std::string("PK\x06\x07") + le(std::uint32_t{0}) + le(end) + le(std::uint32_t{1});
  }
  const auto short_count = static_cast<std::uint16_t>(zip64 ? UINT16_MAX : count);
  out += std::string("PK\x05\x06") + le(std::uint32_t{0}) + le(short_count) + le(short_count) +
         le(zip64 ? UINT32_MAX : static_cast<std::uint32_t>(directory.size())) + le(zip64 ? UINT32_MAX : static_cast<std::uint32_t>(start)) +
         le(std::uint16_t{0});
  return out;
}

const std::string kArray = npy_f4("(2, 2)", raw<float>({1, 2, 3, 4}));

}  // namespace

TEST_CASE("an npz archive gives its vectors") {
  for (const bool zip64 : {false, true}) {
    CAPTURE(zip64);
    CHECK(values_of("a.npz", zip({{"arr_0.npy", kArray}}, zip64)) == Floats{1, 2, 3, 4});
    CHECK(values_of("a.npz", zip({{"labels.npy", "anything"}, {"vectors.npy", kArray}}, zip64)) == Floats{1, 2, 3, 4});
  }
}

TEST_CASE("npz archives that cannot be read say why") {
  CHECK(error_of("a.npz", zip({{"a.npy", kArray}, {"b.npy", kArray}})).find("has 2 arrays, none of them named 'vectors'") != std::string::npos);
  CHECK(error_of("a.npz", zip({{"a.npy", kArray, 8}})).find("is compressed") != std::string::npos);
  CHECK(error_of("a.npz", zip({{"a.npy", "no array"}})).find("no .npy file") != std::string::npos);
  CHECK(error_of("a.npz", zip({})).find("has 0 arrays") != std::string::npos);
  CHECK(error_of("a.npz", "").find("no ZIP archive") != std::string::npos);
  CHECK(error_of("a.npz", kArray).find("no ZIP archive") != std::string::npos);
}

TEST_CASE("damage anywhere in an npz archive is survived") {
  for (const bool zip64 : {false, true}) {
    const std::string whole = zip({{"a.npy", npy_f4("(1, 1)", raw<float>({1}))}}, zip64);
    for (std::size_t length = 0; length < whole.size(); length += 3) CHECK(error_of("a.npz", whole.substr(0, length)) != "");
    for (std::size_t at = 0; at < whole.size(); at += 1 + at % 3) {
      std::string bad = whole;
      bad[at] = static_cast<char>(bad[at] ^ 0xff);
      const File file("a.npz", bad);
      const auto reader = ndb::io::VectorReader::open(file.path());  // an answer, whichever, and under the sanitizers no more
      if (reader) CHECK((*reader)->dim() <= 65'536);
    }
  }
}
