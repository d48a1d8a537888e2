// An attribute index over JSON payloads, in a fresh folder. One thread.
#pragma once

#include <string>
#include <vector>

#include "shared/attributes/attribute_writer.hpp"
#include "shared/attributes/attributes_view.hpp"
#include "shared/attributes/filter_rows.hpp"
#include "shared/payload/payload.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/must.hpp"
#include "tests/support/temp_folder.hpp"

namespace ndb::test {

class IndexBench {
 public:
  explicit IndexBench(const std::vector<std::string>& documents, const attributes::FieldChoice& choice = {},
                      const attributes::IndexLimits& limits = {}) {
    for (const auto& document : documents) payloads_.push_back(must(payload::encode(document)));
    ref_ = must(attributes::write_attributes(fs::posix_file_system(), path(), kSegment, rows(), source(), choice, limits));
    REQUIRE(ref_);
    view_ = open();
  }

  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "attributes"; }
  [[nodiscard]] Row rows() const { return static_cast<Row>(payloads_.size()); }
  [[nodiscard]] const format::FileRef& ref() const { return *ref_; }
  [[nodiscard]] const attributes::AttributesView& view() const { return *view_; }
  [[nodiscard]] std::unique_ptr<const attributes::AttributesView> open() const {
    auto file = must(format::SectionFile::open(fs::posix_file_system(), path(), format::FileKind::attributes, kSegment, &*ref_));
    return must(attributes::AttributesView::open(std::move(file), rows()));
  }
  [[nodiscard]] attributes::PayloadSource source() const {
    return [this](Row row) -> Result<base::ByteSpan> { return base::ByteSpan(payloads_[row]); };
  }
  [[nodiscard]] base::ByteSpan payload(Row row) const { return payloads_[row]; }
  /// Rows that match, by the index.
  [[nodiscard]] std::vector<Row> found(const Filter& filter) const {
    const filter::CompiledFilter compiled(filter);
    return attributes::FilterRows(compiled, view_.get(), rows(), [this](Row row) { return payload(row); }).evaluate().to_list();
  }
  /// The same by looking at every payload.
  [[nodiscard]] std::vector<Row> scanned(const Filter& filter) const {
    const filter::CompiledFilter compiled(filter);
    std::vector<Row> found;
    for (Row row = 0; row < rows(); ++row)
      if (compiled.matches(payload(row))) found.push_back(row);
    return found;
  }
  [[nodiscard]] attributes::AttributesView::Known known(std::string_view path) const { return view_->find(path).known; }

  static constexpr SegmentId kSegment{5};

 private:
  TempFolder folder_;
  std::vector<std::vector<std::byte>> payloads_;
  std::optional<format::FileRef> ref_;
  std::unique_ptr<const attributes::AttributesView> view_;
};

}  // namespace ndb::test
