#include "ipc/http/codec/request_codec.hpp"

#include <charconv>

#include "ipc/http/codec/document_batch.hpp"
#include "ipc/http/codec/json_reader.hpp"
#include "ipc/http/message.hpp"
#include "shared/base/time_text.hpp"

namespace ndb::http {

using json::missing;
using json::ondemand::object;
using json::ondemand::value;

namespace {

constexpr std::uint64_t kMaxScrollLimit = 10'000;

// Bodies come from the server with Request::kBodyPadding bytes behind them; in tests and tools they need not, and then
// they are copied, which costs little there.
template <class Read>
Status read_text(std::string_view body, Read read) {
  return json::read_body(body, body.size(), read);
}

// from_json names places from "filter" on; read_members will put that in front again.
Result<Filter> read_filter(value& from) {
  NDB_TRY_ASSIGN(const auto text, json::read_raw_object(from));
  if (!text) return Filter();
  auto filter = Filter::from_json(*text, "filter");
  if (filter) return filter;
  Error error = std::move(filter).error();
  if (error.field.starts_with("filter")) error.field.erase(0, 6);
  if (error.field.starts_with('.')) error.field.erase(0, 1);
  return std::unexpected(std::move(error));
}

template <class T, class Parse>
Status read_named(value& from, Parse parse, std::string_view choices, T& into) {
  NDB_TRY_ASSIGN(const std::string name, json::read_string(from));
  const auto parsed = parse(name);
  if (!parsed) return fail(ErrorCode::invalid_argument, "must be " + std::string(choices));
  into = *parsed;
  return {};
}

Status read_u32(value& from, std::uint32_t minimum, std::uint32_t maximum, std::uint32_t& into) {
  NDB_TRY_ASSIGN(const std::uint64_t number, json::read_integer(from, minimum, maximum));
  into = static_cast<std::uint32_t>(number);
  return {};
}

constexpr const char* kNoTime = "must be a time as in RFC 3339 (2026-11-26T10:00:00Z), or milliseconds since 1970";

Status read_as_of(std::size_t which, value& from, AsOf* into) {
  if (into == nullptr) return fail(ErrorCode::invalid_argument, "unknown field");
  if (which == 0) {
    NDB_TRY_ASSIGN(const std::uint64_t version, json::read_integer(from, 1, UINT64_MAX));
    into->version = ManifestVersion{version};
    return {};
  }
  json::ondemand::json_type type{};
  if (const auto error = from.type().get(type)) return json::refused(error, "a time");
  if (type == json::ondemand::json_type::number) {
    NDB_TRY_ASSIGN(const std::uint64_t ms, json::read_integer(from, 0, base::kMostUnixMs));
    into->time = base::from_unix_ms(ms);
    return {};
  }
  NDB_TRY_ASSIGN(const std::string text, json::read_string(from));
  into->time = base::parse_time(text);
  return into->time ? Status() : fail(ErrorCode::invalid_argument, kNoTime);
}

Status check_as_of(const AsOf& as_of) {
  if (!as_of.version || !as_of.time) return {};
  return fail(ErrorCode::invalid_argument, "give at_version or at_time, not both", "at_time");
}

Status read_history_member(std::size_t index, value& item, HistoryConfig& into) {
  const auto low = index == 0 ? 0U : 1U;
  const auto high = index == 0 ? Limits::kMaxRetention : Limits::kMaxHistoryInterval;
  NDB_TRY_ASSIGN(const std::uint64_t seconds, json::read_integer(item, low, static_cast<std::uint64_t>(high.count())));
  (index == 0 ? into.retention : into.interval) = std::chrono::seconds(seconds);
  return {};
}

Status read_names(value& from, std::vector<std::string>& into) {
  into.clear();
  return json::read_elements(from, Limits::kMaxAttributeNames, [&](value& item) -> Status {
    NDB_TRY_ASSIGN(auto name, json::read_string(item));
    into.push_back(std::move(name));
    return {};
  });
}

Status read_attributes(value& from, AttributeConfig& into) {
  static constexpr std::array<std::string_view, 2> kNames{"only", "never"};
  object members;
  if (const auto error = from.get_object().get(members)) return json::refused(error, "an object");
  const auto seen = json::read_members(members, kNames, [&](std::size_t index, value& item) {
    return read_names(item, index == 0 ? into.only : into.never);
  });
  if (!seen) return std::unexpected(seen.error());
  return {};
}

Status read_history(value& from, HistoryConfig& into) {
  static constexpr std::array<std::string_view, 2> kNames{"retention_s", "interval_s"};
  object members;
  if (const auto error = from.get_object().get(members)) return json::refused(error, "an object");
  const auto seen = json::read_members(members, kNames, [&](std::size_t index, value& item) { return read_history_member(index, item, into); });
  if (!seen) return std::unexpected(seen.error());
  return {};
}

Status read_hnsw(value& from, HnswConfig& into) {
  static constexpr std::array<std::string_view, 4> kNames{"m", "ef_construct", "ef_search", "quantization"};
  object members;
  if (const auto error = from.get_object().get(members)) return json::refused(error, "an object");
  const auto seen = json::read_members(members, kNames, [&](std::size_t index, value& item) -> Status {
    if (index == 0) return read_u32(item, 2, 128, into.m);
    if (index == 1) return read_u32(item, 2, 4096, into.ef_construction);
    if (index == 2) return read_u32(item, 1, Limits::kMaxEf, into.ef_search);
    return read_named(item, quantization_from_name, "\"auto\", \"none\", \"sq8\" or \"rabitq\"", into.quantization);
  });
  if (!seen) return std::unexpected(seen.error());
  return {};
}

Status read_ids(value& from, std::vector<std::string>& into) {
  return json::read_elements(from, Limits::kMaxBatchDocuments, [&](value& item) -> Status {
    NDB_TRY_ASSIGN(std::string id, json::read_string(item));
    into.push_back(std::move(id));
    return {};
  });
}

Status read_payload(value& from, const DocumentBatch::Storage& storage, DocumentBatch::Storage::Slot& slot) {
  NDB_TRY_ASSIGN(const auto text, json::read_raw_object(from));
  if (!text) return {};
  slot.payload_begin = static_cast<std::size_t>(text->data() - storage.body.data());
  slot.payload_end = slot.payload_begin + text->size();
  return {};
}

Status read_document(value& from, DocumentBatch::Storage& storage) {
  static constexpr std::array<std::string_view, 3> kNames{"id", "vector", "payload"};
  object members;
  if (const auto error = from.get_object().get(members)) return json::refused(error, "an object");
  DocumentBatch::Storage::Slot& slot = storage.slots.emplace_back();
  NDB_TRY_ASSIGN(const auto seen, json::read_members(members, kNames, [&](std::size_t index, value& item) -> Status {
                   if (index == 2) return read_payload(item, storage, slot);
                   if (index == 1) {
                     slot.vector_begin = storage.floats.size();
                     NDB_TRY(json::read_floats(item, Limits::kMaxDim, storage.floats));
                     slot.vector_end = storage.floats.size();
                     return {};
                   }
                   NDB_TRY_ASSIGN(slot.id, json::read_string(item));
                   return {};
                 }));
  if (!seen[0]) return missing("id");
  if (!seen[1]) return missing("vector");
  return {};
}

// Only when nothing is added any more: adding moves what was there.
void make_views(DocumentBatch::Storage& storage) {
  storage.views.reserve(storage.slots.size());
  const std::span<const float> floats(storage.floats);
  for (const DocumentBatch::Storage::Slot& slot : storage.slots) {
    storage.views.push_back(
        {slot.id, floats.subspan(slot.vector_begin, slot.vector_end - slot.vector_begin),
         std::string_view(storage.body).substr(slot.payload_begin, slot.payload_end - slot.payload_begin)});
  }
}

Status read_search_member(std::size_t index, value& item, Search& search, std::vector<float>& vector);

constexpr std::size_t kOwnSearchNames = 11;
constexpr std::array<std::string_view, kOwnSearchNames + 2> kSearchNames{
    "vector",  "top_k",      "approximate", "ef",     "filter",     "with_payload", "with_vector",
    "min_seq", "timeout_ms", "explain",     "recall", "at_version", "at_time"};

Result<Search> read_search(object& members, AsOf* as_of) {
  std::vector<float> vector;
  Search search;
  NDB_TRY_ASSIGN(const auto seen, json::read_members(members, kSearchNames, [&](std::size_t index, value& item) {
                   if (index >= kOwnSearchNames) return read_as_of(index - kOwnSearchNames, item, as_of);
                   return read_search_member(index, item, search, vector);
                 }));
  if (as_of != nullptr) NDB_TRY(check_as_of(*as_of));
  if (!seen[0]) return missing("vector");
  Search complete(std::move(vector));
  complete.top_k(search.top_k()).approximate(search.approximate()).filter(search.filter());
  complete.with_payload(search.with_payload()).with_vector(search.with_vector());
  complete.min_seq(search.min_seq()).explain(search.explain());
  if (search.ef()) complete.ef(*search.ef());
  if (search.recall()) complete.recall(*search.recall());
  if (search.timeout()) complete.timeout(*search.timeout());
  return complete;
}

template <class Set>
Status read_flag(value& item, Set set) {
  NDB_TRY_ASSIGN(const bool flag, json::read_bool(item));
  set(flag);
  return {};
}

template <class Set>
Status read_number(value& item, std::uint64_t minimum, std::uint64_t maximum, Set set) {
  NDB_TRY_ASSIGN(const std::uint64_t number, json::read_integer(item, minimum, maximum));
  set(number);
  return {};
}

Status read_search_member(std::size_t index, value& item, Search& search, std::vector<float>& vector) {
  const auto u32 = [](std::uint64_t number) { return static_cast<std::uint32_t>(number); };
  switch (index) {
    case 0:
      return json::read_floats(item, Limits::kMaxDim, vector);
    case 1:
      return read_number(item, 1, Limits::kMaxTopK, [&](std::uint64_t k) { search.top_k(u32(k)); });
    case 2:
      return read_flag(item, [&](bool on) { search.approximate(on); });
    case 3:
      return read_number(item, 1, Limits::kMaxEf, [&](std::uint64_t ef) { search.ef(u32(ef)); });
    case 4: {
      NDB_TRY_ASSIGN(Filter filter, read_filter(item));
      search.filter(std::move(filter));
      return {};
    }
    case 5:
      return read_flag(item, [&](bool on) { search.with_payload(on); });
    case 6:
      return read_flag(item, [&](bool on) { search.with_vector(on); });
    case 7:
      return read_number(item, 0, UINT64_MAX, [&](std::uint64_t seq) { search.min_seq(Seq{seq}); });
    case 8:
      return read_number(item, 1, kMaxTimeoutMs,
                         [&](std::uint64_t ms) { search.timeout(std::chrono::milliseconds(ms)); });
    case 9:
      return read_flag(item, [&](bool on) { search.explain(on); });
    default: {
      NDB_TRY_ASSIGN(const double recall, json::read_number(item));
      search.recall(recall);
      return {};
    }
  }
}

}  // namespace

DocumentBatch::DocumentBatch(std::unique_ptr<Storage> storage) noexcept : storage_(std::move(storage)) {}
DocumentBatch::DocumentBatch(DocumentBatch&&) noexcept = default;
DocumentBatch& DocumentBatch::operator=(DocumentBatch&&) noexcept = default;
DocumentBatch::~DocumentBatch() = default;
std::span<const DocumentView> DocumentBatch::documents() const noexcept {
  return storage_->views;
}

Result<CollectionConfig> parse_collection_config(std::string_view body, const CollectionConfig& defaults) {
  static constexpr std::array<std::string_view, 6> kNames{"dim", "distance", "durability", "hnsw", "attributes", "history"};
  CollectionConfig config = defaults;
  NDB_TRY(read_text(body.empty() ? "{}" : body, [&](object& members) -> Status {
    const auto seen = json::read_members(members, kNames, [&](std::size_t index, value& item) -> Status {
      if (index == 0) return read_u32(item, 1, Limits::kMaxDim, config.dim);
      if (index == 1)
        return read_named(item, distance_from_name, "\"cosine\", \"dot\" or \"euclidean\"", config.distance);
      if (index == 2) return read_named(item, durability_from_name, "\"buffered\" or \"sync\"", config.durability);
      if (index == 3) return read_hnsw(item, config.hnsw);
      if (index == 4) return read_attributes(item, config.attributes);
      return read_history(item, config.history);
    });
    if (!seen) return std::unexpected(seen.error());
    return {};
  }));
  if (config.dim == 0) return missing("dim");
  return config;
}

Result<DocumentBatch> parse_documents(std::string body) {
  static constexpr std::array<std::string_view, 1> kNames{"documents"};
  auto storage = std::make_unique<DocumentBatch::Storage>();
  storage->body = std::move(body);
  storage->body.reserve(storage->body.size() + Request::kBodyPadding);  // nothing to do for those of the server
  NDB_TRY(json::read_body(storage->body, storage->body.capacity(), [&](object& members) -> Status {
    NDB_TRY_ASSIGN(const auto seen, json::read_members(members, kNames, [&](std::size_t, value& item) {
                     return json::read_elements(item, Limits::kMaxBatchDocuments,
                                                [&](value& document) { return read_document(document, *storage); });
                   }));
    return seen[0] ? Status() : missing("documents");
  }));
  make_views(*storage);
  return DocumentBatch(std::move(storage));
}

Result<AsOf> parse_as_of(std::optional<std::string_view> at_version, std::optional<std::string_view> at_time) {
  AsOf as_of;
  if (at_version) {
    std::uint64_t version = 0;
    const char* const end = at_version->data() + at_version->size();
    const auto [stop, error] = std::from_chars(at_version->data(), end, version);
    if (error != std::errc() || stop != end || version == 0)
      return fail(ErrorCode::invalid_argument, "must be a whole number from 1", "at_version");
    as_of.version = ManifestVersion{version};
  }
  if (at_time) {
    as_of.time = base::parse_time(*at_time);
    if (!as_of.time) return fail(ErrorCode::invalid_argument, kNoTime, "at_time");
  }
  NDB_TRY(check_as_of(as_of));
  return as_of;
}

Result<HistoryConfig> parse_history(std::string_view body, const HistoryConfig& now) {
  static constexpr std::array<std::string_view, 2> kNames{"retention_s", "interval_s"};
  HistoryConfig history = now;
  NDB_TRY(read_text(body, [&](object& members) -> Status {
    NDB_TRY(json::read_members(members, kNames, [&](std::size_t index, value& item) { return read_history_member(index, item, history); }));
    return {};
  }));
  return history;
}

Result<std::vector<std::string>> parse_ids(std::string_view body, AsOf* as_of) {
  static constexpr std::array<std::string_view, 3> kNames{"ids", "at_version", "at_time"};
  std::vector<std::string> ids;
  NDB_TRY(read_text(body, [&](object& members) -> Status {
    NDB_TRY_ASSIGN(const auto seen, json::read_members(members, kNames, [&](std::size_t index, value& item) {
                     return index == 0 ? read_ids(item, ids) : read_as_of(index - 1, item, as_of);
                   }));
    if (as_of != nullptr) NDB_TRY(check_as_of(*as_of));
    return seen[0] ? Status() : missing("ids");
  }));
  return ids;
}

Result<DeleteRequest> parse_delete(std::string_view body) {
  static constexpr std::array<std::string_view, 2> kNames{"ids", "filter"};
  DeleteRequest request;
  NDB_TRY(read_text(body, [&](object& members) -> Status {
    NDB_TRY_ASSIGN(const auto seen, json::read_members(members, kNames, [&](std::size_t index, value& item) -> Status {
                     if (index == 0) return read_ids(item, request.ids);
                     if (bool is_null = false; item.is_null().get(is_null) == simdjson::SUCCESS && is_null) {
                       return json::refused(simdjson::INCORRECT_TYPE,
                                            "an object");  // elsewhere null means all; here that would be rash
                     }
                     NDB_TRY_ASSIGN(request.filter, read_filter(item));
                     return {};
                   }));
    if (seen[0] == seen[1]) return fail(ErrorCode::invalid_argument, "give either ids or a filter", "ids");
    return {};
  }));
  return request;
}

Result<Search> parse_search(std::string_view body, AsOf* as_of) {
  Search search;
  NDB_TRY(read_text(body, [&](object& members) -> Status {
    NDB_TRY_ASSIGN(search, read_search(members, as_of));
    return {};
  }));
  return search;
}

Result<std::vector<Search>> parse_search_batch(std::string_view body, AsOf* as_of) {
  static constexpr std::array<std::string_view, 3> kNames{"searches", "at_version", "at_time"};
  std::vector<Search> searches;
  NDB_TRY(read_text(body, [&](object& members) -> Status {
    NDB_TRY_ASSIGN(const auto seen, json::read_members(members, kNames, [&](std::size_t index, value& item) {
                     if (index > 0) return read_as_of(index - 1, item, as_of);
                     return json::read_elements(item, kMaxSearchesPerBatch, [&](value& element) -> Status {
                       object search_members;
                       if (const auto error = element.get_object().get(search_members))
                         return json::refused(error, "an object");
                       NDB_TRY_ASSIGN(Search search, read_search(search_members, nullptr));
                       searches.push_back(std::move(search));
                       return {};
                     });
                   }));
    if (as_of != nullptr) NDB_TRY(check_as_of(*as_of));
    if (!seen[0]) return missing("searches");
    if (searches.empty()) return fail(ErrorCode::invalid_argument, "must not be empty", "searches");
    return {};
  }));
  return searches;
}

Result<Filter> parse_count(std::string_view body, AsOf* as_of) {
  static constexpr std::array<std::string_view, 3> kNames{"filter", "at_version", "at_time"};
  Filter filter;
  NDB_TRY(read_text(body.empty() ? "{}" : body, [&](object& members) -> Status {
    const auto seen = json::read_members(members, kNames, [&](std::size_t index, value& item) -> Status {
      if (index > 0) return read_as_of(index - 1, item, as_of);
      NDB_TRY_ASSIGN(filter, read_filter(item));
      return {};
    });
    if (!seen) return std::unexpected(seen.error());
    return as_of != nullptr ? check_as_of(*as_of) : Status();
  }));
  return filter;
}

Result<ScrollRequest> parse_scroll(std::string_view body, AsOf* as_of) {
  static constexpr std::array<std::string_view, 5> kNames{"filter", "limit", "after", "at_version", "at_time"};
  ScrollRequest request;
  NDB_TRY(read_text(body.empty() ? "{}" : body, [&](object& members) -> Status {
    const auto seen = json::read_members(members, kNames, [&](std::size_t index, value& item) -> Status {
      if (index > 2) return read_as_of(index - 3, item, as_of);
      if (index == 1) return read_u32(item, 1, kMaxScrollLimit, request.limit);
      if (index == 0) {
        NDB_TRY_ASSIGN(request.filter, read_filter(item));
        return {};
      }
      NDB_TRY_ASSIGN(request.after, json::read_string(item));
      return {};
    });
    if (!seen) return std::unexpected(seen.error());
    return as_of != nullptr ? check_as_of(*as_of) : Status();
  }));
  return request;
}

}  // namespace ndb::http
