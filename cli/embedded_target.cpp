#include <algorithm>

#include "cli/target.hpp"
#include "ipc/http/codec/answer_codec.hpp"
#include "ipc/http/codec/request_codec.hpp"
#include "ndb/ndb.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

constexpr std::uint64_t kLoadMemtableBytes = 24ULL << 20;

class EmbeddedTarget final : public Target {
 public:
  explicit EmbeddedTarget(Database database) : database_(std::move(database)) {}

  Result<std::string> list() override {
    NDB_TRY_ASSIGN(const auto names, database_.list_collections());
    std::vector<CollectionStats> all;
    for (const auto& name : names) {
      NDB_TRY_ASSIGN(const auto collection, database_.get_collection(name));
      NDB_TRY_ASSIGN(auto stats, collection.stats());
      all.push_back(std::move(stats));
    }
    return http::encode_collections(all);
  }
  Result<std::string> create(const std::string& name, const CollectionConfig& config) override {
    NDB_TRY_ASSIGN(const auto collection, database_.create_collection(name, config));
    NDB_TRY_ASSIGN(const auto stats, collection.stats());
    return http::encode_stats(stats);
  }
  Status drop(const std::string& name) override { return database_.drop_collection(name); }
  Result<std::string> stats(const std::string& name) override {
    NDB_TRY_ASSIGN(const auto collection, database_.get_collection(name));
    NDB_TRY_ASSIGN(const auto stats, collection.stats());
    return http::encode_stats(stats);
  }
  Result<std::string> manifest(const std::string& name, const http::AsOf& as_of) override {
    NDB_TRY_ASSIGN(const auto collection, get_at(name, as_of));
    return collection.manifest();
  }
  Result<std::string> history(const std::string& name) override {
    NDB_TRY_ASSIGN(const auto collection, database_.get_collection(name));
    NDB_TRY_ASSIGN(const auto stats, collection.stats());
    NDB_TRY_ASSIGN(const auto versions, collection.versions());
    return http::encode_history(stats, versions);
  }
  Result<std::string> set_history(const std::string& name, const std::string& body) override {
    NDB_TRY_ASSIGN(auto collection, database_.get_collection(name));
    NDB_TRY_ASSIGN(const auto stats, collection.stats());
    NDB_TRY_ASSIGN(const auto history, http::parse_history(body, stats.config.history));
    NDB_TRY_ASSIGN(const auto version, collection.set_history(history));
    return http::encode_manifest_version(version);
  }
  Result<std::string> replicas(const std::string& name) override {
    NDB_TRY_ASSIGN(const auto collection, database_.get_collection(name));
    NDB_TRY_ASSIGN(const auto replicas, collection.replicas());
    return http::encode_replicas(replicas);
  }
  Result<std::string> get(const std::string& name, const std::string& body) override {
    http::AsOf as_of;
    NDB_TRY_ASSIGN(const auto ids, http::parse_ids(body, &as_of));
    NDB_TRY_ASSIGN(const auto collection, get_at(name, as_of));
    NDB_TRY_ASSIGN(const auto found, collection.get_many(ids));
    const auto version = collection.as_of();
    return http::encode_documents(found.documents, found.missing, version ? &*version : nullptr);
  }
  Result<std::string> remove(const std::string& name, const std::string& body) override {
    NDB_TRY_ASSIGN(const auto request, http::parse_delete(body));
    NDB_TRY_ASSIGN(auto collection, database_.get_collection(name));
    NDB_TRY_ASSIGN(const auto written,
                   request.filter ? collection.remove_where(*request.filter) : collection.remove_many(request.ids));
    return http::encode_remove_many(written);
  }
  Result<std::string> search(const std::string& name, const std::string& body) override {
    http::AsOf as_of;
    NDB_TRY_ASSIGN(const auto request, http::parse_search(body, &as_of));
    NDB_TRY_ASSIGN(const auto collection, get_at(name, as_of));
    NDB_TRY_ASSIGN(const auto result, collection.search(request));
    const auto version = collection.as_of();
    return http::encode_search(result, request, version ? &*version : nullptr);
  }
  Result<std::string> count(const std::string& name, const std::string& body) override {
    http::AsOf as_of;
    NDB_TRY_ASSIGN(const auto filter, http::parse_count(body, &as_of));
    NDB_TRY_ASSIGN(const auto collection, get_at(name, as_of));
    NDB_TRY_ASSIGN(const auto count, collection.count(filter));
    const auto version = collection.as_of();
    return http::encode_count(count, version ? &*version : nullptr);
  }
  Result<std::string> scroll(const std::string& name, const std::string& body) override {
    http::AsOf as_of;
    NDB_TRY_ASSIGN(const auto request, http::parse_scroll(body, &as_of));
    NDB_TRY_ASSIGN(const auto collection, get_at(name, as_of));
    NDB_TRY_ASSIGN(const auto page, collection.scroll(request.filter, request.limit, request.after));
    const auto version = collection.as_of();
    return http::encode_page(page.documents, page.next ? &*page.next : nullptr, version ? &*version : nullptr);
  }
  Result<std::string> run(const std::string& name, Job job, bool wait) override {
    NDB_TRY_ASSIGN(auto collection, database_.get_collection(name));
    NDB_TRY_ASSIGN(const auto version, start(collection, job, wait));
    return http::encode_manifest_version(version);
  }
  Result<WriteResult> insert(const std::string& name, std::span<const DocumentView> documents) override {
    if (!writing_ || writing_->name() != name) {
      NDB_TRY_ASSIGN(writing_, database_.get_collection(name));
    }
    return writing_->insert_batch(documents);
  }

 private:
  Result<Collection> get_at(const std::string& name, const http::AsOf& as_of) {
    NDB_TRY_ASSIGN(auto collection, database_.get_collection(name));
    if (as_of.version) return collection.at_version(*as_of.version);
    if (as_of.time) return collection.at_time(*as_of.time);
    return collection;
  }
  static Result<ManifestVersion> start(Collection& collection, Job job, bool wait) {
    switch (job) {
      case Job::flush: return collection.flush(wait);
      case Job::compact: return collection.compact(wait);
      case Job::build_index: return collection.rebuild_index(wait);
      case Job::drop_index: return collection.delete_index();
    }
    return fail(ErrorCode::internal, "unknown job");
  }

  Database database_;
  std::optional<Collection> writing_;  // kept open between batches, and with it the write lock
};

}  // namespace

Result<std::unique_ptr<Target>> open_embedded_target(const TargetAddress& address, Purpose purpose) {
  DatabaseOptions options;
  options.read_only = purpose == Purpose::read;
  if (purpose == Purpose::load) {
    options.memtable_bytes = kLoadMemtableBytes;  // up to five are in memory at once
    options.index_min_rows = UINT32_MAX;
    if (address.load_segment_rows > 0) options.segment_max_rows = address.load_segment_rows;
  }
  NDB_TRY_ASSIGN(auto database, Database::open(address.data_dir, options));
  return std::make_unique<EmbeddedTarget>(std::move(database));
}

}  // namespace ndb::cli
