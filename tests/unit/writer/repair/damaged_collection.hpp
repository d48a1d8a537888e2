// A collection with every kind of file in it, made once and copied for each piece of damage; and what it must hold. One thread.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/verify/verifier.hpp"
#include "ndb/ndb.hpp"
#include "shared/format/manifest.hpp"
#include "shared/format/pointer_files.hpp"
#include "shared/format/wal.hpp"
#include "tests/support/bytes_on_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/must.hpp"
#include "tests/support/temp_folder.hpp"
#include "writer/repair/repair.hpp"

namespace ndb::test {

inline constexpr std::uint32_t kDim = 40;

/// The document `id` in its version `version`; everything in it follows from the two.
inline Document make_document(int id, int version) {
  Document document{.id = "document-" + std::to_string(id), .vector = std::vector<float>(kDim), .payload = {}};
  for (std::uint32_t d = 0; d < kDim; ++d)
    document.vector[d] = static_cast<float>((static_cast<unsigned>(id) * 131U + d * 17U + static_cast<unsigned>(version) * 7U) % 97U) - 48.5F;
  document.payload = R"({"n":)" + std::to_string(id) + R"(,"text":")" + std::string(static_cast<std::size_t>(id % 50), 'x') + R"(","version":)" +
                     std::to_string(version) + "}";
  return document;
}

using Documents = std::map<std::string, Document>;

inline DatabaseOptions options(bool read_only = false) {
  DatabaseOptions options;
  options.read_only = read_only;
  options.index_min_rows = 100;
  options.shared_memory = false;
  options.poll_interval = std::chrono::milliseconds(2);
  options.sync_interval = std::chrono::hours(1);  // no sync mark lands between frames, wherever the machine pauses
  return options;
}

class Sample {
 public:
  /// 700 documents in a segment, 140 in another, each with a graph; of the first 40 were replaced and 20 deleted; 6 batches in the log.
  Sample() {
    auto db = must(Database::open(data(), options()));
    auto docs = must(db.create_collection("docs", {.dim = kDim, .distance = Distance::cosine, .durability = Durability::sync}));
    put(docs, 0, 700, 1);
    must(docs.flush());
    must(docs.rebuild_index());
    put(docs, 0, 40, 2);
    put(docs, 700, 800, 1);
    std::vector<std::string> gone;
    for (int id = 100; id < 120; ++id) gone.push_back(make_document(id, 1).id);
    must(docs.remove_many(gone));
    for (const auto& id : gone) documents.erase(id);
    must(docs.flush());
    must(docs.delete_index());      // the graph is built again with the delete sets in place, and nothing is built behind the test's back
    must(docs.rebuild_index());
    for (int batch = 0; batch < 5; ++batch) put(docs, 800 + batch * 10, 810 + batch * 10, 1);
    must(docs.remove("document-849"));
    documents.erase("document-849");
    must(db.close());
    must(format::write_boundary(fs::posix_file_system(), collection(), {ManifestVersion{1}}));
  }

  [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] std::filesystem::path collection() const { return data() / "docs"; }

  Documents documents;

 private:
  void put(Collection& docs, int from, int to, int version) {
    std::vector<Document> batch;
    for (int id = from; id < to; ++id) {
      batch.push_back(make_document(id, version));
      documents[batch.back().id] = batch.back();
    }
    must(docs.insert_batch(std::span<const Document>(batch)));
  }

  TempFolder folder_;
};

inline const Sample& sample() {
  static const Sample one;
  return one;
}

/// A copy of the sample's data folder, to be damaged.
class Copy {
 public:
  Copy() { std::filesystem::copy(sample().data(), data(), std::filesystem::copy_options::recursive); }
  [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] std::filesystem::path collection() const { return data() / "docs"; }

  [[nodiscard]] cli::VerifyReport verify() const { return cli::verify_collection(fs::posix_file_system(), collection()); }
  [[nodiscard]] Result<writer::RepairReport> repair() const {
    FaultyFileSystem fs;  // without a fault: it only spares us the syncs
    return writer::repair_collection(fs, collection());
  }

 private:
  TempFolder folder_;
};

/// Every document that can be read; "" as the only key if the collection answers with an error. Whatever is read by its id, by a search
/// or by a scan must agree.
inline Documents read_all(const std::filesystem::path& data, bool& whole) {
  whole = false;
  Documents all;
  const auto db = Database::open(data, options(true));
  if (!db) return all;
  const auto docs = db->get_collection("docs");
  if (!docs) return all;
  whole = true;
  for (int id = 0; id < 850; ++id) {
    auto document = docs->get(make_document(id, 1).id);
    if (document) all.emplace(document->id, std::move(*document));
    else if (document.error().code != ErrorCode::not_found) whole = false;
  }
  for (const bool approximate : {false, true})
    for (const int id : {3, 333, 777, 844}) {
      const auto found = docs->search(Search(make_document(id, 1).vector).top_k(20).with_vector(true).approximate(approximate));
      if (!found) {
        whole = false;
        continue;
      }
      for (const auto& match : found->matches) {
        const auto by_id = all.find(match.id);
        if (by_id == all.end() || by_id->second.vector != match.vector || by_id->second.payload != match.payload)
          throw std::runtime_error("a search found something else than a look-up: " + match.id);
      }
    }
  const auto count = docs->count();
  if (!count) whole = false;
  else if (whole && *count != all.size()) throw std::runtime_error("the count is another");
  return all;
}

/// Files of the collection that the newest version needs, and the pointer files, relative to it.
inline std::vector<std::filesystem::path> needed_files() {
  const auto& collection = sample().collection();
  auto& fs = fs::posix_file_system();
  const auto current = must(format::read_current(fs, collection));
  const auto manifest = must(format::read_manifest(fs, collection, current.version));
  std::vector<std::filesystem::path> paths = {format::current_file_path(collection), format::epoch_path(collection),
                                              format::boundary_path(collection), format::manifest_path(collection, current.version)};
  for (const auto& segment : manifest.segments) {
    const auto folder = format::segment_folder(collection, segment.id);
    for (const auto& name : {segment.vectors.name, segment.ids.name, segment.payloads.name}) paths.push_back(folder / name);
    if (segment.hnsw) paths.push_back(folder / segment.hnsw->name);
    if (segment.attributes) paths.push_back(folder / segment.attributes->name);
    if (segment.delete_set) paths.push_back(folder / segment.delete_set->name);
  }
  for (const auto& wal : manifest.wals)
    if (std::filesystem::file_size(format::wal_path(collection, wal.name)) > format::kWalFileHeaderBytes)
      paths.push_back(format::wal_path(collection, wal.name));
  for (auto& path : paths) path = path.lexically_relative(collection);
  return paths;
}

inline bool names(const std::vector<std::string>& sentences, const std::filesystem::path& path) {
  return std::ranges::any_of(sentences, [&](const auto& sentence) { return contains(sentence, path.string()); });
}

}  // namespace ndb::test
