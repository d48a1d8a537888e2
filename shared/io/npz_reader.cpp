// .npz: a ZIP archive of .npy files (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 to 4.3.16). Only what np.savez writes: stored
// members, with or without ZIP64 fields.
#include <fmt/format.h>

#include <algorithm>

#include "shared/io/readers.hpp"

namespace ndb::io {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr std::size_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kCentralBytes = 46, kLocalBytes = 30;
constexpr std::uint64_t kMaxDirectoryBytes = 1ULL << 20;

struct Member {
  std::string name;
  std::uint16_t method = 0;
  std::uint64_t bytes = 0;
  std::uint64_t header_offset = 0;
};

struct Directory {
  std::uint64_t offset = 0, bytes = 0;
};

template <class T>
T at(base::ByteSpan bytes, std::size_t offset) {
  return base::load<T>(bytes.data() + offset);
}

class Archive {
 public:
  Archive(const ByteSource& source, OnBadRow bad) : source_(source), bad_(bad) {}

  Result<std::unique_ptr<VectorReader>> open() {
    NDB_TRY_ASSIGN(const auto directory, find_directory());
    NDB_TRY_ASSIGN(const auto members, read_members(directory));
    NDB_TRY_ASSIGN(const auto member, choose(members));
    NDB_TRY_ASSIGN(const auto header, read(member.header_offset, kLocalBytes));
    if (at<std::uint32_t>(header, 0) != kLocalHeader) return refuse("is a damaged archive: a member is not where it should be");
    const std::uint64_t start = member.header_offset + kLocalBytes + at<std::uint16_t>(header, 26) + at<std::uint16_t>(header, 28);
    NDB_TRY_ASSIGN(auto part, ByteSource::open_part(source_.name(), start, member.bytes));
    return open_npy(std::move(part), bad_);
  }

 private:
  [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const { return source_.refuse(why); }

  /// That range of the file; an error if it is not inside.
  Result<std::vector<std::byte>> read(std::uint64_t offset, std::uint64_t bytes) const {
    if (bytes > kMaxDirectoryBytes) return refuse("has a table of contents that is too large");
    NDB_TRY_ASSIGN(auto part, ByteSource::open_part(source_.name(), offset, bytes));
    std::vector<std::byte> read(static_cast<std::size_t>(bytes));
    NDB_TRY(part.read(read));
    return read;
  }

  Result<Directory> find_directory() const {
    const std::uint64_t tail_bytes = std::min<std::uint64_t>(source_.size(), kEndBytes + 65'535 + kLocatorBytes);
    NDB_TRY_ASSIGN(const auto tail, read(source_.size() - tail_bytes, tail_bytes));
    for (std::size_t end = tail.size() - std::min(tail.size(), kEndBytes) + 1; tail.size() >= kEndBytes && end-- > 0;) {
      if (at<std::uint32_t>(tail, end) != kEnd) continue;
      const Directory directory{at<std::uint32_t>(tail, end + 16), at<std::uint32_t>(tail, end + 12)};
      const bool large = directory.offset == UINT32_MAX || directory.bytes == UINT32_MAX || at<std::uint16_t>(tail, end + 10) == UINT16_MAX;
      if (large && end >= kLocatorBytes && at<std::uint32_t>(tail, end - kLocatorBytes) == kEnd64Locator)
        return find_directory64(at<std::uint64_t>(tail, end - kLocatorBytes + 8));
      return directory;
    }
    return refuse("is no .npz file: it is no ZIP archive");
  }
  Result<Directory> find_directory64(std::uint64_t offset) const {
    NDB_TRY_ASSIGN(const auto end, read(offset, kEnd64Bytes));
    if (at<std::uint32_t>(end, 0) != kEnd64) return refuse("is a damaged archive: its end is wrong");
    return Directory{at<std::uint64_t>(end, 48), at<std::uint64_t>(end, 40)};
  }

  Result<std::vector<Member>> read_members(const Directory& directory) const {
    NDB_TRY_ASSIGN(const auto table, read(directory.offset, directory.bytes));
    std::vector<Member> members;
    for (base::ByteSpan rest = table; !rest.empty();) {
      if (rest.size() < kCentralBytes || at<std::uint32_t>(rest, 0) != kCentralHeader) return refuse("has a damaged table of contents");
      const std::size_t name_bytes = at<std::uint16_t>(rest, 28), extra_bytes = at<std::uint16_t>(rest, 30);
      const std::size_t total = kCentralBytes + name_bytes + extra_bytes + at<std::uint16_t>(rest, 32);
      if (rest.size() < total) return refuse("has a damaged table of contents");
      Member member{.name = std::string(base::as_text(rest.subspan(kCentralBytes, name_bytes))),
                    .method = at<std::uint16_t>(rest, 10),
                    .bytes = at<std::uint32_t>(rest, 24),
                    .header_offset = at<std::uint32_t>(rest, 42)};
      read_large_fields(rest.subspan(kCentralBytes + name_bytes, extra_bytes), at<std::uint32_t>(rest, 20) == UINT32_MAX, member);
      members.push_back(std::move(member));
      rest = rest.subspan(total);
    }
    return members;
  }
  /// The ZIP64 field holds, in this order, those of size, stored size and offset that did not fit into 32 bits.
  static void read_large_fields(base::ByteSpan extra, bool large_stored, Member& member) {
    base::ByteReader reader(extra);
    while (const auto id = reader.read<std::uint16_t>()) {
      const auto field = reader.read_bytes(reader.read<std::uint16_t>().value_or(0));
      if (!field) return;
      if (*id != 1) continue;
      base::ByteReader values(*field);
      if (member.bytes == UINT32_MAX) member.bytes = values.read<std::uint64_t>().value_or(member.bytes);
      if (large_stored) static_cast<void>(values.read<std::uint64_t>());
      if (member.header_offset == UINT32_MAX) member.header_offset = values.read<std::uint64_t>().value_or(member.header_offset);
    }
  }

  Result<Member> choose(const std::vector<Member>& members) const {
    auto chosen = std::ranges::find(members, "vectors.npy", &Member::name);
    if (chosen == members.end() && members.size() == 1) chosen = members.begin();
    if (chosen == members.end())
      return refuse(fmt::format("has {} arrays, none of them named 'vectors'; save it by np.savez(file, vectors=…)", members.size()));
    if (chosen->method != 0) return refuse("is compressed; save it by np.savez instead of np.savez_compressed");
    return *chosen;
  }

  const ByteSource& source_;
  const OnBadRow bad_;
};

}  // namespace

Result<std::unique_ptr<VectorReader>> open_npz(ByteSource source, OnBadRow bad) {
  if (!source.bounded()) return source.refuse("a .npz archive cannot be read through a pipe: its table of contents is at its end");
  return Archive(source, bad).open();
}

}  // namespace ndb::io
