#include "shared/attributes/attribute_writer.hpp"

#include <algorithm>

#include "shared/attributes/field_writer.hpp"
#include "shared/attributes/payload_walk.hpp"

namespace ndb::attributes {
namespace {

// Whether `name` is the path or stands above it.
bool covers(const std::string& name, const std::string& path) {
  return path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '.');
}

bool is_excluded(const FieldChoice& choice, const std::string& path) {
  const auto covering = [&](const std::string& name) { return covers(name, path); };
  if (std::ranges::any_of(choice.never, covering)) return true;
  return !choice.only.empty() && std::ranges::none_of(choice.only, covering);
}

class IndexWriter {
 public:
  IndexWriter(Row rows, const PayloadSource& source, const FieldChoice& choice, const IndexLimits& limits, const std::stop_token& stop)
      : rows_(rows), source_(source), limits_(limits), stop_(stop),
        walk_(rows, [&choice](const std::string& path) { return is_excluded(choice, path); }) {}

  /// False if a payload is damaged.
  Result<bool> collect() {
    constexpr std::uint64_t kCheckBytes = 1U << 20;
    std::uint64_t unchecked = 0;
    for (Row row = 0; row < rows_; ++row) {
      if ((row & 0xFFFU) == 0 && stop_.stop_requested()) return fail(ErrorCode::unavailable, "stopped while indexing payloads");
      NDB_TRY_ASSIGN(const auto payload, source_(row));
      if (!walk_.add(row, payload)) return false;
      unchecked += payload.size();
      if (unchecked < kCheckBytes) continue;
      unchecked = 0;
      shed_fields();
    }
    shed_fields();
    return true;
  }

  Result<format::FileRef> write(format::SectionFileWriter file) {
    NDB_TRY(file.begin_section(kDataSection, 8));
    FieldWriter writer(file, rows_);
    while (true) {
      for (auto& field : walk_.fields()) NDB_TRY(write_field(field, writer));
      if (!take_later_fields()) break;
      walk_.begin_next_pass();
      NDB_TRY_ASSIGN(const bool whole, collect());
      if (!whole) return fail(ErrorCode::internal, "a payload changed while it was indexed");
    }
    return finish(file, writer);
  }

 private:
  [[nodiscard]] std::uint64_t bytes_for(std::uint64_t per_row) const noexcept { return per_row * rows_ + (64U << 10); }

  // Gives up fields that are too large for the file, and puts off the largest until the rest fits the memory.
  void shed_fields() {
    auto& fields = walk_.fields();
    for (auto& field : fields)
      if (field.use == FieldUse::collect && field.values.file_bytes() > bytes_for(limits_.field_bytes_per_row)) drop(field, FieldUse::leave);
    while (walk_.memory_bytes() > limits_.memory_bytes) {
      const auto collected = std::ranges::count(fields, FieldUse::collect, &Field::use);
      const auto largest = std::ranges::max_element(fields, {}, [](const Field& field) { return field.values.memory_bytes(); });
      drop(*largest, collected > 1 ? FieldUse::later : FieldUse::leave);
    }
  }

  static void drop(Field& field, FieldUse use) {
    field.values.drop_values();
    field.use = use;
  }

  Status write_field(Field& field, FieldWriter& writer) {
    if (field.use != FieldUse::collect) return {};
    field.values.sort();
    const bool fits = writer.bytes() + field.values.file_bytes() <= bytes_for(limits_.file_bytes_per_row);
    if (fits) NDB_TRY(writer.put_values(field));
    drop(field, fits ? FieldUse::written : FieldUse::leave);
    return {};
  }

  bool take_later_fields() {
    bool any = false;
    for (auto& field : walk_.fields())
      if (field.use == FieldUse::later) {
        field.use = FieldUse::collect;
        any = true;
      }
    return any;
  }

  Result<format::FileRef> finish(format::SectionFileWriter& file, FieldWriter& writer) {
    auto& fields = walk_.fields();
    for (auto& field : fields) NDB_TRY(writer.put_present(field));
    std::ranges::sort(fields, {}, &Field::path);
    std::string paths;
    NDB_TRY(file.begin_section(kFieldsSection, sizeof(FieldRecord)));
    for (auto& field : fields) {
      field.record.path_offset = paths.size();
      field.record.path_bytes = static_cast<std::uint32_t>(field.path.size());
      field.record.indexed = field.use == FieldUse::written ? 1 : 0;
      paths += field.path;
      NDB_TRY(file.append(std::as_bytes(std::span(&field.record, 1))));
    }
    NDB_TRY(file.begin_section(kPathsSection, 1));
    NDB_TRY(file.append(base::as_bytes(paths)));
    const FileHeader header{.format_version = kAttributesVersion, .rows = rows_, .complete = walk_.complete() ? 1U : 0U, .reserved = 0};
    NDB_TRY(file.begin_section(kHeaderSection, sizeof header));
    NDB_TRY(file.append(std::as_bytes(std::span(&header, 1))));
    return file.finish();
  }

  Row rows_;
  const PayloadSource& source_;
  const IndexLimits& limits_;
  const std::stop_token& stop_;
  PayloadWalk walk_;
};

}  // namespace

Result<std::optional<format::FileRef>> write_attributes(fs::FileSystem& fs, const fs::Path& path, SegmentId segment, Row rows,
                                                        const PayloadSource& source, const FieldChoice& choice,
                                                        const IndexLimits& limits, const std::stop_token& stop) {
  IndexWriter writer(rows, source, choice, limits, stop);
  NDB_TRY_ASSIGN(const bool whole, writer.collect());
  if (!whole) return std::nullopt;
  NDB_TRY_ASSIGN(auto file, format::SectionFileWriter::create(fs, path, format::FileKind::attributes, segment));
  NDB_TRY_ASSIGN(const auto ref, writer.write(std::move(file)));
  return ref;
}

}  // namespace ndb::attributes
