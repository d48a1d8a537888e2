// ndb import-faiss: the vectors of an index that FAISS wrote. Built where libfaiss is installed.
#include <faiss/Index.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/impl/FaissException.h>
#include <faiss/index_io.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "cli/command.hpp"
#include "cli/import/importer.hpp"
#include "cli/options.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct FaissImport : ImportOptions {
  std::string index, id_prefix;
  bool distance_given = false;
};

/// Calls into FAISS, whose errors are exceptions.
template <class Call>
auto guarded(const std::string& file, Call call) -> Result<decltype(call())> {
  try {
    return call();
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", file, error.what()));
  }
}

/// The vectors of an index in the order in which it holds them. The whole index is in memory, as FAISS reads it.
class FaissSource final : public DocumentSource {
 public:
  static Result<std::unique_ptr<FaissSource>> open(const std::string& file, const std::string& id_prefix) {
    std::unique_ptr<FaissSource> source(new FaissSource(file, id_prefix));
    std::error_code missing;
    if (!std::filesystem::exists(file, missing)) return fail(ErrorCode::not_found, file + ": no such file");
    NDB_TRY_ASSIGN(source->index_, guarded(file, [&] { return std::unique_ptr<faiss::Index>(faiss::read_index(file.c_str())); }));
    NDB_TRY(source->look());
    return source;
  }

  std::uint32_t dim() const noexcept override { return static_cast<std::uint32_t>(index_->d); }
  /// As nDB names it; "" for a metric that it does not have.
  [[nodiscard]] std::string distance() const {
    if (index_->metric_type == faiss::METRIC_L2) return "euclidean";
    return index_->metric_type == faiss::METRIC_INNER_PRODUCT ? "dot" : "";
  }

  Result<bool> next(Chunk& into, std::size_t max_rows) override {
    into.clear();
    into.dim = dim();
    const auto end = std::min<std::uint64_t>(total(), row_ + max_rows);
    std::vector<float> vector(dim());
    for (; row_ < end; ++row_) {
      NDB_TRY_ASSIGN(const auto id, guarded(file_, [&] { return reconstruct(vector); }));
      into.add(row_, id_prefix_ + std::to_string(id), vector, "");
    }
    into.position = std::to_string(row_);
    into.rows_end = row_;
    return !into.empty();
  }

  Status go_to(const std::string& position) override {
    std::uint64_t row = 0;
    if (std::from_chars(position.data(), position.data() + position.size(), row).ec != std::errc() || row > total())
      return fail(ErrorCode::internal, "cannot go on at '" + position + "'");
    row_ = row;
    while (lists_ != nullptr && list_ + 1 < starts_.size() && starts_[list_ + 1] <= row_) ++list_;
    return {};
  }
  Done done() const override { return {.rows = row_, .rows_total = total(), .bytes = 0, .bytes_total = 0}; }
  std::string origin() const override { return "faiss " + std::filesystem::absolute(file_).string() + " '" + id_prefix_ + "'"; }
  std::string identity() const override {
    std::error_code ignored;
    const auto changed = std::filesystem::last_write_time(file_, ignored).time_since_epoch().count();
    return fmt::format("{} {} {}", origin(), std::filesystem::file_size(file_, ignored), changed);
  }
  std::string name() const override { return std::filesystem::path(file_).filename().string(); }

 private:
  FaissSource(std::string file, std::string id_prefix) : file_(std::move(file)), id_prefix_(std::move(id_prefix)) {}
  [[nodiscard]] std::uint64_t total() const { return static_cast<std::uint64_t>(index_->ntotal); }

  // From the outside in: a map of ids, a transformation of vectors, inverted lists.
  Status look() {
    inner_ = index_.get();
    if (const auto* map = dynamic_cast<const faiss::IndexIDMap*>(inner_)) {
      ids_ = &map->id_map;
      inner_ = map->index;
    }
    if (const auto* transformed = dynamic_cast<const faiss::IndexPreTransform*>(inner_)) {
      transform_ = transformed;
      inner_ = transformed->index;
    }
    lists_ = dynamic_cast<const faiss::IndexIVF*>(inner_);
    if (lists_ == nullptr) return {};
    starts_.reserve(lists_->nlist);
    std::uint64_t start = 0;
    for (std::size_t list = 0; list < lists_->nlist; ++list) {
      starts_.push_back(start);
      start += lists_->invlists->list_size(list);
    }
    if (start == total()) return {};
    return fail(ErrorCode::invalid_argument, fmt::format("{}: announces {} vectors, its lists hold {}", file_, total(), start));
  }

  /// The vector at row_, and its id.
  std::int64_t reconstruct(std::vector<float>& vector) {
    auto id = static_cast<std::int64_t>(row_);
    std::vector<float> stored(static_cast<std::size_t>(inner_->d));
    if (lists_ != nullptr) {
      while (list_ + 1 < starts_.size() && starts_[list_ + 1] <= row_) ++list_;
      const auto offset = row_ - starts_[list_];
      lists_->reconstruct_from_offset(static_cast<std::int64_t>(list_), static_cast<std::int64_t>(offset), stored.data());
      id = lists_->invlists->get_single_id(list_, offset);
    } else {
      inner_->reconstruct(id, stored.data());
    }
    if (transform_ != nullptr) transform_->reverse_chain(1, stored.data(), vector.data());
    else vector = std::move(stored);
    return ids_ == nullptr ? id : ids_->at(static_cast<std::size_t>(id));
  }

  const std::string file_, id_prefix_;
  std::unique_ptr<faiss::Index> index_;
  const faiss::Index* inner_ = nullptr;                         // where the vectors are
  const std::vector<std::int64_t>* ids_ = nullptr;       // by position, if there is a map
  const faiss::IndexPreTransform* transform_ = nullptr;
  const faiss::IndexIVF* lists_ = nullptr;
  std::vector<std::uint64_t> starts_;                           // row at which each list begins
  std::size_t list_ = 0;                                        // that row_ is in
  std::uint64_t row_ = 0;
};

Status import_faiss(const Session& session, FaissImport& options) {
  NDB_TRY_ASSIGN(const auto source, FaissSource::open(options.index, options.id_prefix));
  if (!options.distance_given) options.distance = source->distance();
  if (options.distance.empty()) return usage("the index compares in a way that is not known here; say how with --distance");
  options.create = true;
  return run_import(session, options, *source);
}

}  // namespace

void add_faiss_import_command(CLI::App& app, Session& session, Action& action) {
  add_command<FaissImport>(
      app, action, "import-faiss", "Read the vectors of an index that FAISS wrote",
      [](CLI::App& command, FaissImport& options) {
        add_collection_name(command, options.name);
        command.add_option("index", options.index, "File made by faiss::write_index: flat, IDMap, IVF, HNSW and others that can reconstruct")->required()->type_name("INDEX");
        command.add_option("--id-prefix", options.id_prefix, "Put this before every id")->type_name("TEXT");
        declare_import_options(command, options);
        command.get_option("--distance")->each([&options](const std::string&) { options.distance_given = true; })
            ->description("Other than the index's metric: cosine, dot or euclidean");
        command.remove_option(command.get_option("--create"));
        command.footer("Ids are kept, as text. What a compressed index (PQ, SQ) gives back is what it kept of the vectors.\n"
                       "Example: ndb import-faiss docs flat.index --distance cosine");
      },
      [&](FaissImport& options) { return import_faiss(session, options); });
}

}  // namespace ndb::cli
