#include <fmt/format.h>

#include <algorithm>

#include "bindings/cpp/database_impl.hpp"
#include "reader/query.hpp"
#include "shared/payload/payload.hpp"

namespace ndb {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kDefaultWait{1'000};
constexpr std::uint32_t kMaxScroll = 10'000;
constexpr std::uint64_t kFullPageBytes = 64ULL << 20;  // a page that holds as much ends, whatever its limit

std::uint64_t size_of(const Document& document) {
  return document.id.size() + document.payload.size() + document.vector.size() * sizeof(float);
}

// Validates one document and adds it to the batch. prefix: "documents[3]." or empty.
Status add_document(const DocumentView& document, const CollectionConfig& config, const std::string& prefix,
                    format::WalBodyBuilder& body) {
  NDB_TRY(payload::validate_id(document.id, prefix + "id"));
  NDB_TRY(payload::validate_vector(document.vector, config.dim, config.distance, prefix + "vector"));
  NDB_TRY_ASSIGN(const auto encoded, payload::encode(document.payload, prefix + "payload"));
  body.put(document.id, document.vector, encoded);
  if (body.bytes().size() > Limits::kMaxBatchBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the batch has more than {} MiB", Limits::kMaxBatchBytes >> 20), "documents");
  return {};
}

template <class Documents>
Result<WriteResult> insert_all(embedded::CollectionCore& core, const Documents& documents) {
  if (documents.size() > Limits::kMaxBatchDocuments)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the batch has {} documents; at most {} are allowed", documents.size(),
                            Limits::kMaxBatchDocuments),
                "documents");
  format::WalBodyBuilder body;
  for (std::size_t i = 0; i < documents.size(); ++i)
    NDB_TRY(add_document(documents[i], core.config(), fmt::format("documents[{}].", i), body));
  if (body.op_count() > 0) return core.write(body);
  NDB_TRY_ASSIGN(const auto state, core.state());
  return WriteResult{.seq = state->applied_seq(), .durability = core.config().durability};
}

Result<WriteResult> remove_all(embedded::CollectionCore& core, std::span<const std::string> ids) {
  NDB_TRY_ASSIGN(const auto writer, core.writer());  // its state is the newest; a follower's may lag
  const auto view = writer->state().view();
  format::WalBodyBuilder body;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    NDB_TRY(payload::validate_id(ids[i], fmt::format("ids[{}]", i)));
    if (view.snapshot->find(ids[i], view.seq)) body.remove(ids[i]);
  }
  NDB_TRY(view.snapshot->damage());
  if (body.op_count() > 0) return core.write(body);
  return WriteResult{.seq = view.seq, .durability = core.config().durability};
}

}  // namespace

Collection::Collection(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

const std::string& Collection::name() const noexcept { return impl_->core->name(); }
const CollectionConfig& Collection::config() const noexcept { return impl_->core->config(); }

Result<WriteResult> Collection::insert(const DocumentView& document) {
  NDB_TRY(impl_->check_newest());
  format::WalBodyBuilder body;
  NDB_TRY(add_document(document, config(), "", body));
  return impl_->core->write(body);
}

Result<WriteResult> Collection::insert_batch(std::span<const DocumentView> documents) {
  NDB_TRY(impl_->check_newest());
  return insert_all(*impl_->core, documents);
}

Result<WriteResult> Collection::insert_batch(std::span<const Document> documents) {
  NDB_TRY(impl_->check_newest());
  return insert_all(*impl_->core, documents);
}

Result<Document> Collection::get(std::string_view id) const {
  NDB_TRY(payload::validate_id(id));
  NDB_TRY_ASSIGN(const auto view, impl_->view());
  return reader::get_document(view, id);
}

Result<GetManyResult> Collection::get_many(std::span<const std::string> ids) const {
  if (ids.size() > Limits::kMaxBatchDocuments)
    return fail(ErrorCode::invalid_argument, fmt::format("at most {} ids are allowed", Limits::kMaxBatchDocuments), "ids");
  NDB_TRY_ASSIGN(const auto view, impl_->view());
  GetManyResult result;
  reader::AnswerBudget budget;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    NDB_TRY(payload::validate_id(ids[i], fmt::format("ids[{}]", i)));
    auto document = reader::get_document(view, ids[i]);
    if (document && !budget.take(size_of(*document)))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the documents are larger than {} MiB; ask for fewer", reader::kMaxAnswerBytes >> 20), "ids");
    if (document) result.documents.push_back(std::move(*document));
    else if (document.error().code == ErrorCode::not_found) result.missing.push_back(ids[i]);
    else return std::unexpected(document.error());
  }
  return result;
}

Result<WriteResult> Collection::remove(std::string_view id) {
  NDB_TRY(impl_->check_newest());
  NDB_TRY(payload::validate_id(id));
  const std::string one(id);
  NDB_TRY_ASSIGN(auto result, remove_all(*impl_->core, {&one, 1}));
  if (result.deleted == 0) return fail(ErrorCode::not_found, fmt::format("no document '{}'", id), "id");
  return result;
}

Result<WriteResult> Collection::remove_many(std::span<const std::string> ids) {
  NDB_TRY(impl_->check_newest());
  if (ids.size() > Limits::kMaxBatchDocuments)
    return fail(ErrorCode::invalid_argument, fmt::format("at most {} ids are allowed", Limits::kMaxBatchDocuments), "ids");
  return remove_all(*impl_->core, ids);
}

Result<WriteResult> Collection::remove_where(const Filter& filter) {
  NDB_TRY(impl_->check_newest());
  NDB_TRY(filter.validate());
  NDB_TRY_ASSIGN(const auto writer, impl_->core->writer());
  // Chosen with no write under way: a document that is changed at the same time is removed before or after, never in between.
  return impl_->core->write_made([&]() -> Result<format::WalBodyBuilder> {
    NDB_TRY_ASSIGN(const auto ids, reader::matching_ids(writer->state().view(), filter, {}, {}));
    format::WalBodyBuilder body;
    for (const auto& id : ids) body.remove(id);
    return body;
  });
}

Result<SearchResult> Collection::search(const Search& search) const {
  NDB_TRY_ASSIGN(auto results, search_batch({&search, 1}));
  return std::move(results.front());
}

Result<std::vector<SearchResult>> Collection::search_batch(std::span<const Search> searches) const {
  const bool single = searches.size() == 1;
  if (searches.size() > Limits::kMaxTopK)
    return fail(ErrorCode::invalid_argument, fmt::format("at most {} searches are allowed", Limits::kMaxTopK), "searches");
  Seq min_seq{};
  std::optional<std::chrono::milliseconds> timeout;
  for (std::size_t i = 0; i < searches.size(); ++i) {
    NDB_TRY(reader::validate_search(searches[i], config(), single ? "" : fmt::format("searches[{}].", i)));
    min_seq = std::max(min_seq, searches[i].min_seq());
    if (const auto own = searches[i].timeout()) timeout = timeout ? std::min(*timeout, *own) : own;
  }
  std::optional<Clock::time_point> deadline;
  if (timeout) deadline = Clock::now() + *timeout;
  NDB_TRY_ASSIGN(const auto view, impl_->view_at(min_seq, timeout.value_or(kDefaultWait)));
  if (!single) return reader::execute_batch(view, searches, deadline);
  NDB_TRY_ASSIGN(auto result, reader::execute(view, searches[0], deadline));
  std::vector<SearchResult> results;
  results.push_back(std::move(result));
  return results;
}

Result<std::uint64_t> Collection::count(const Filter& filter) const {
  NDB_TRY(filter.validate());
  NDB_TRY_ASSIGN(const auto view, impl_->view());
  return reader::count(view, filter);
}

Result<ScrollPage> Collection::scroll(const Filter& filter, std::uint32_t limit, std::optional<std::string> after) const {
  NDB_TRY(filter.validate());
  if (limit == 0 || limit > kMaxScroll)
    return fail(ErrorCode::invalid_argument, fmt::format("limit is {}; it must be from 1 to {}", limit, kMaxScroll), "limit");
  NDB_TRY_ASSIGN(const auto view, impl_->view());
  NDB_TRY_ASSIGN(const auto ids, reader::matching_ids(view, filter, after, std::size_t{limit} + 1));
  ScrollPage page;
  std::uint64_t bytes = 0;
  for (const auto& id : std::span(ids).first(std::min<std::size_t>(limit, ids.size()))) {
    NDB_TRY_ASSIGN(auto document, reader::get_document(view, id));
    bytes += size_of(document);
    page.documents.push_back(std::move(document));
    if (bytes >= kFullPageBytes) break;
  }
  if (ids.size() > page.documents.size()) page.next = page.documents.back().id;
  return page;
}

Status Collection::wait_for(Seq seq, std::chrono::milliseconds timeout) const {
  const auto reached = impl_->view_at(seq, timeout);
  if (reached) return {};
  if (reached.error().code == ErrorCode::replica_lagging) return fail(ErrorCode::timeout, reached.error().message);
  return std::unexpected(reached.error());
}

Status Collection::acquire_write_lock() {
  NDB_TRY(impl_->check_newest());
  NDB_TRY(impl_->core->writer());
  return {};
}

}  // namespace ndb
