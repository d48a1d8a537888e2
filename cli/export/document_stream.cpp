#include "cli/export/document_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/answer.hpp"
#include "cli/history/as_of.hpp"
#include "ndb/filter.hpp"
#include "reader/follower.hpp"
#include "reader/past_versions.hpp"
#include "reader/query.hpp"
#include "shared/base/result.hpp"
#include "shared/fs/file_system.hpp"
#include "shared/payload/json_document.hpp"

namespace ndb::cli {
namespace {

constexpr std::size_t kBytesAtATime = 4ULL << 20;
constexpr std::size_t kIdsAtATime = 200'000;
constexpr std::size_t kMaxJsonDepth = 70;

std::size_t documents_at_a_time(std::uint32_t dim) {
  return std::clamp<std::size_t>(kBytesAtATime / (std::size_t{std::max(dim, 1U)} * sizeof(float)), 16, 5'000);
}

/// One view of the files, kept to the end; no lock, no write.
class FolderStream final : public DocumentStream {
 public:
  static Result<std::unique_ptr<DocumentStream>> open(const fs::Path& collection, const std::string& name, const Filter& filter,
                                                      const http::AsOf& as_of) {
    NDB_TRY_ASSIGN(const bool exists, fs::posix_file_system().exists(collection));
    if (!exists) return fail(ErrorCode::not_found, fmt::format("no collection '{}'", name), "name");
    auto stream = std::make_unique<FolderStream>();
    NDB_TRY_ASSIGN(stream->follower_, reader::Follower::open(fs::posix_file_system(), collection, {}));
    stream->state_ = stream->follower_->state();
    stream->view_ = stream->state_->view();
    if (!as_of.newest()) NDB_TRY(stream->go_back(collection, as_of));
    stream->filter_ = filter;
    NDB_TRY_ASSIGN(stream->total_, reader::count(stream->view_, filter));
    return stream;
  }

  std::uint32_t dim() const noexcept override { return view_.snapshot->manifest->config.dim; }
  std::uint64_t total() const noexcept override { return total_; }
  Result<bool> next(std::vector<Document>& into) override {
    into.clear();
    if (at_ == ids_.size() && !ended_) {
      const std::optional<std::string> after = ids_.empty() ? std::nullopt : std::optional(ids_.back());
      NDB_TRY_ASSIGN(ids_, reader::matching_ids(view_, filter_, after, kIdsAtATime));
      ended_ = ids_.size() < kIdsAtATime;
      at_ = 0;
    }
    const std::size_t end = std::min(ids_.size(), at_ + documents_at_a_time(dim()));
    for (; at_ < end; ++at_) {
      NDB_TRY_ASSIGN(auto document, reader::get_document(view_, ids_[at_]));
      into.push_back(std::move(document));
    }
    return !into.empty();
  }

 private:
  Status go_back(const fs::Path& collection, const http::AsOf& as_of) {
    const auto now = view_.snapshot;
    versions_ = std::make_unique<reader::PastVersions>(fs::posix_file_system(), collection, now->manifest->collection_uid,
                                                       [this](auto oldest) { follower_->pin_older(oldest); });
    auto found = as_of.version ? versions_->at_version(*as_of.version, *now) : versions_->at_time(*as_of.time, *now);
    if (!found) return std::unexpected(found.error());
    past_ = std::move(*found);
    view_ = past_->view();
    return {};
  }

  std::unique_ptr<reader::Follower> follower_;  // pins, as any reader does
  std::unique_ptr<reader::PastVersions> versions_;
  std::shared_ptr<reader::PastVersion> past_;  // goes first
  std::shared_ptr<live::LiveState> state_;
  live::View view_;
  Filter filter_;
  std::uint64_t total_ = 0;
  std::vector<std::string> ids_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

/// Scrolls.
class ServerStream final : public DocumentStream {
 public:
  static Result<std::unique_ptr<DocumentStream>> open(const Session& session, const std::string& name, const std::string& filter,
                                                      const AsOfOptions& as_of) {
    auto stream = std::make_unique<ServerStream>();
    NDB_TRY_ASSIGN(stream->target_, session.open(Purpose::read));
    stream->name_ = name;
    stream->filter_ = filter;
    stream->as_of_ = as_of;
    NDB_TRY_ASSIGN(const auto stats_text, stream->target_->stats(name));
    NDB_TRY_ASSIGN(const auto stats, parse_answer(stats_text));
    stream->dim_ = static_cast<std::uint32_t>(count_at(stats, "dim"));
    NDB_TRY_ASSIGN(const auto count_text, stream->target_->count(name, with_as_of(filter.empty() ? "{}" : "{\"filter\":" + filter + "}", as_of)));
    NDB_TRY_ASSIGN(const auto count, parse_answer(count_text));
    stream->total_ = count_at(count, "count");
    // All pages out of one version, whatever comes meanwhile.
    if (!as_of.newest()) stream->as_of_ = {.version = count_at(object_at(count, "as_of"), "version"), .time = {}};
    return stream;
  }

  std::uint32_t dim() const noexcept override { return dim_; }
  std::uint64_t total() const noexcept override { return total_; }
  Result<bool> next(std::vector<Document>& into) override {
    into.clear();
    if (ended_) return false;
    std::string body = fmt::format("{{\"limit\":{}", documents_at_a_time(dim_));
    if (!filter_.empty()) body += ",\"filter\":" + filter_;
    if (!after_.empty()) body += ",\"after\":" + after_;
    NDB_TRY_ASSIGN(const auto text, target_->scroll(name_, with_as_of(body + "}", as_of_)));
    NDB_TRY(parse_page(text, into));
    return !into.empty();
  }

 private:
  // With a parser that takes numbers as they are: what is exported must come back the same.
  Status parse_page(const std::string& text, std::vector<Document>& into) {
    const auto wrong = [] { return fail(ErrorCode::internal, "the answer holds no documents; is this an nDB server?"); };
    NDB_TRY_ASSIGN(const auto page, payload::JsonDocument::parse(text, kMaxJsonDepth, "the answer"));
    simdjson::dom::array documents;
    if (page.root()["documents"].get_array().get(documents) != simdjson::SUCCESS) return wrong();
    for (const auto one : documents) {
      Document document;
      std::string_view id;
      simdjson::dom::array vector;
      if (one["id"].get_string().get(id) != simdjson::SUCCESS || one["vector"].get_array().get(vector) != simdjson::SUCCESS) return wrong();
      document.id = id;
      for (const auto element : vector) {
        double value = 0;
        if (element.get_double().get(value) != simdjson::SUCCESS) return wrong();
        document.vector.push_back(static_cast<float>(value));
      }
      if (document.vector.size() != dim_) return wrong();
      simdjson::dom::object payload;
      if (one["payload"].get_object().get(payload) == simdjson::SUCCESS) document.payload = simdjson::minify(payload);
      into.push_back(std::move(document));
    }
    std::string_view next;
    ended_ = page.root()["next"].get_string().get(next) != simdjson::SUCCESS;
    after_ = ended_ ? std::string() : std::string(simdjson::minify(page.root()["next"].value_unsafe()));
    return {};
  }

  std::unique_ptr<Target> target_;
  std::string name_, filter_, after_;
  AsOfOptions as_of_;
  std::uint32_t dim_ = 0;
  std::uint64_t total_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<DocumentStream>> DocumentStream::open(const Session& session, const std::string& name, const std::string& filter,
                                                             const AsOfOptions& as_of) {
  if (!session.address.url.empty()) return ServerStream::open(session, name, filter, as_of);
  Filter parsed;
  if (!filter.empty()) {
    NDB_TRY_ASSIGN(parsed, Filter::from_json(filter));
  }
  return FolderStream::open(fs::Path(session.address.data_dir) / name, name, parsed, cli::as_of(as_of));
}

}  // namespace ndb::cli
