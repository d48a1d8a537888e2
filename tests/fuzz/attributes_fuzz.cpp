// Attribute indexes: payloads of any bytes are indexed and the index agrees with them; sections of any content under right checksums, and
// changes of a sound index, are opened, verified and asked.
#include <array>

#include "shared/attributes/attribute_writer.hpp"
#include "shared/attributes/filter_rows.hpp"
#include "shared/payload/payload.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/memory_file_system.hpp"

using namespace ndb;
using format::FileKind;

namespace {

constexpr SegmentId kIndexedSegment{1};
constexpr Row kIndexedRows = 70;

std::vector<Filter> filters() {
  return {Filter::eq("a", 1), Filter::lt("a", 2.5), Filter::gt("b", "x"), Filter::in_("b", {"x", nullptr, true, 3}), Filter::exists("a.b"),
          Filter::ne("c", "y"), Filter::gte("c", "") && !Filter::lte("a", 40)};
}

void ask(const attributes::AttributesView& view, const attributes::FilterRows::PayloadOf& payload) {
  for (const auto& filter : filters()) {
    const filter::CompiledFilter compiled(filter);
    const attributes::FilterRows rows(compiled, &view, view.rows(), payload);
    fuzz::must(rows.estimate() >= 0.0, "a negative estimate");
    rows.evaluate().for_each([&](Row row) { fuzz::must(row < view.rows(), "a row that is not there"); });
  }
  static_cast<void>(view.verify());
  static_cast<void>(view.damage());
}

void open_and_ask(fuzz::MemoryFileSystem& fs, const fs::Path& path, Row rows) {
  auto file = format::SectionFile::open(fs, path, FileKind::attributes, kIndexedSegment, nullptr);
  if (!file) return;
  const auto view = attributes::AttributesView::open(std::move(*file), rows);
  if (view) ask(**view, [](Row) { return base::ByteSpan{}; });
}

// Payloads of bytes that nobody checked.
void index_payloads(fuzz::Input input) {
  fuzz::MemoryFileSystem fs;
  const auto source = [&](Row row) -> Result<base::ByteSpan> {
    auto rest = input;
    for (Row i = 0; i < row; ++i) static_cast<void>(rest.take_bytes(rest.take<std::uint8_t>()));
    return rest.take_bytes(rest.take<std::uint8_t>());
  };
  const auto written = attributes::write_attributes(fs, "payloads", kIndexedSegment, 8, source);
  fuzz::must(written.has_value(), "an index is not written");
  if (*written) open_and_ask(fs, "payloads", 8);
}

void open_any_sections(fuzz::Input input) {
  fuzz::MemoryFileSystem fs;
  auto writer = format::SectionFileWriter::create(fs, "any", FileKind::attributes, kIndexedSegment).value();
  static constexpr std::array<std::uint32_t, 4> kElements = {8, 112, 1, 16};
  for (std::uint32_t section = 1; section <= 4; ++section) {
    fuzz::must(writer.begin_section(section, kElements[section - 1]).has_value(), "begin_section");
    const auto bytes = section == 4 ? 16U : input.take<std::uint8_t>() * kElements[section - 1];
    fuzz::must(writer.append(input.take_bytes(bytes)).has_value(), "append");
  }
  fuzz::must(writer.finish().has_value(), "finish");
  open_and_ask(fs, "any", input.take<std::uint8_t>());
}

struct SoundIndex {
  std::array<std::vector<std::byte>, 5> sections;  // by their number

  SoundIndex() {
    fuzz::MemoryFileSystem fs;
    std::vector<std::vector<std::byte>> payloads;
    for (Row row = 0; row < kIndexedRows; ++row)
      payloads.push_back(payload::encode(R"({"a":)" + std::to_string(row % 50) + R"(,"b":["x)" + std::to_string(row % 7) + R"(",null,true],"c":"y"})").value());
    const auto source = [&](Row row) -> Result<base::ByteSpan> { return base::ByteSpan(payloads[row]); };
    fuzz::must(attributes::write_attributes(fs, "sound", kIndexedSegment, kIndexedRows, source).value().has_value(), "no index");
    const auto file = format::SectionFile::open(fs, "sound", FileKind::attributes, kIndexedSegment, nullptr).value();
    for (std::uint32_t id = 1; id <= 4; ++id) {
      const auto bytes = file->section(id).value().bytes;
      sections[id].assign(bytes.begin(), bytes.end());
    }
  }
};

void change_sound_sections(fuzz::Input input) {
  static const SoundIndex sound;
  auto sections = sound.sections;
  static constexpr std::array<std::uint32_t, 5> kElements = {0, 8, 112, 1, 16};
  while (!input.empty()) {
    auto& section = sections[1 + input.take<std::uint8_t>() % 4];
    section[input.take<std::uint16_t>() % section.size()] = input.take<std::byte>();
  }
  fuzz::MemoryFileSystem fs;
  auto writer = format::SectionFileWriter::create(fs, "changed", FileKind::attributes, kIndexedSegment).value();
  for (std::uint32_t id = 1; id <= 4; ++id) {
    fuzz::must(writer.begin_section(id, kElements[id]).has_value(), "begin_section");
    fuzz::must(writer.append(sections[id]).has_value(), "append");
  }
  fuzz::must(writer.finish().has_value(), "finish");
  open_and_ask(fs, "changed", kIndexedRows);
}

}  // namespace

NDB_FUZZ_TARGET(attributes, data, size) {
  fuzz::MemoryFileSystem fs;
  fs.put("raw", {reinterpret_cast<const std::byte*>(data), size});
  open_and_ask(fs, "raw", kIndexedRows);
  index_payloads(fuzz::Input(data, size));
  open_any_sections(fuzz::Input(data, size));
  change_sound_sections(fuzz::Input(data, size));
  return 0;
}
