// Section files and segments: as bytes under any kind, and as sections of any content with checksums that are right, opened as a segment.
#include <array>

#include "shared/payload/payload.hpp"
#include "shared/segment/salvage.hpp"
#include "shared/segment/segment_view.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/memory_file_system.hpp"

using namespace ndb;
using format::FileKind;

namespace {

constexpr SegmentId kFuzzedSegment{1};

void look(const segment::SegmentView& view) {
  for (Row row = 0; row < view.rows(); ++row) {
    const auto id = view.row_id(row);
    static_cast<void>(view.find(id));
    for (const float x : view.vector(row)) static_cast<void>(x);
    static_cast<void>(payload::decode(view.payload(row)));
  }
  static_cast<void>(view.find("nobody"));
  static_cast<void>(view.verify());
  static_cast<void>(view.damage());
}

void look_at_file(fuzz::MemoryFileSystem& fs, base::ByteSpan bytes) {
  fs.put("raw", bytes);
  for (const auto kind : {FileKind::vectors, FileKind::deleted}) {
    const auto file = format::SectionFile::open(fs, "raw", kind, kFuzzedSegment, nullptr);
    if (!file) continue;
    for (std::uint32_t id = 0; id < 5; ++id)
      if (const auto section = (*file)->section(id)) static_cast<void>(section->verifier->ensure(0, section->bytes.size()));
    static_cast<void>((*file)->verify());
    static_cast<void>((*file)->damaged_ranges());
  }
}

// One file with up to four sections as the input has them.
format::FileRef put_file(fuzz::MemoryFileSystem& fs, fuzz::Input& input, const fs::Path& folder, const char* name, FileKind kind) {
  auto writer = format::SectionFileWriter::create(fs, folder / name, kind, kFuzzedSegment);
  for (std::uint32_t section = 1; section < 4; ++section) {
    constexpr std::array<std::uint32_t, 4> kElements = {1, 4, 8, 16};
    fuzz::must(writer->begin_section(section, kElements[input.take<std::uint8_t>() % 4]).has_value(), "begin_section");
    fuzz::must(writer->append(input.take_bytes(input.take<std::uint8_t>() * 4U)).has_value(), "append");
  }
  return writer->finish().value();
}

}  // namespace

NDB_FUZZ_TARGET(segment, data, size) {
  fuzz::MemoryFileSystem fs;
  look_at_file(fs, {reinterpret_cast<const std::byte*>(data), size});
  fuzz::Input input(data, size);
  const CollectionConfig config{.dim = input.within<std::uint32_t>(1, 4), .distance = static_cast<Distance>(input.take<std::uint8_t>() % 3)};
  format::ManifestSegment segment{.id = kFuzzedSegment, .rows = input.within<std::uint32_t>(1, 12)};
  const fs::Path folder = format::segment_folder("c", kFuzzedSegment);
  segment.vectors = put_file(fs, input, folder, "vectors", FileKind::vectors);
  segment.ids = put_file(fs, input, folder, "ids", FileKind::ids);
  segment.payloads = put_file(fs, input, folder, "payloads", FileKind::payloads);
  // Damage behind the checksums, too: what is left must be told from it.
  const auto flips = input.take<std::uint8_t>() % 4;
  for (int i = 0; i < flips; ++i) {
    auto& bytes = fs.at(folder / (std::array{"vectors", "ids", "payloads"}[input.take<std::uint8_t>() % 3]));
    bytes[input.take<std::uint32_t>() % bytes.size()] ^= static_cast<std::byte>(input.take<std::uint8_t>());
  }
  const auto view = segment::SegmentView::open(fs, "c", config, segment, nullptr);
  if (view) look(**view);
  const auto salvage = segment::Salvage::open(fs, "c", config, segment);
  for (Row row = 0; row < salvage.rows(); ++row)
    if (const auto whole = salvage.row(row)) {
      fuzz::must(whole->vector.size() == config.dim && salvage.id(row) == whole->id, "a salvaged row does not agree with itself");
      for (const float x : whole->vector) static_cast<void>(x);
    }
  return 0;
}
