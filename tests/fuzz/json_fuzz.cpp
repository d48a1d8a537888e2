// Everything that comes as JSON: filters, payloads, the bodies of requests; and filters over payloads of any bytes.
#include "ipc/http/codec/request_codec.hpp"
#include "ndb/filter.hpp"
#include "shared/filter/compiled_filter.hpp"
#include "shared/payload/payload.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace ndb;

NDB_FUZZ_TARGET(json, data, size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const base::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  static const Filter fixed = Filter::from_json(R"({"$or":[{"a.b":{"$gt":1}},{"a":{"$in":["x",2]}},{"$not":{"c":{"$exists":true}}}]})").value();
  static_cast<void>(filter::matches(fixed, bytes));
  static_cast<void>(payload::decode(bytes));
  const auto payload = payload::encode(text);
  if (payload) {
    const auto back = payload::decode(*payload);
    fuzz::must(back.has_value(), "a payload that was encoded cannot be decoded");
    fuzz::must(payload->empty() || payload::encode(*back) == payload, "a payload is another when decoded and encoded again");
    static_cast<void>(filter::matches(fixed, *payload));
  }
  const auto filter = Filter::from_json(text);
  if (filter) {
    const auto again = Filter::from_json(filter->to_json());
    fuzz::must(again && again->to_json() == filter->to_json(), "a filter is another when written and read again");
    if (filter->validate()) static_cast<void>(filter::matches(*filter, bytes));
  }
  static_cast<void>(http::parse_collection_config(text, {}));
  static_cast<void>(http::parse_documents(text));
  static_cast<void>(http::parse_ids(text));
  static_cast<void>(http::parse_delete(text));
  static_cast<void>(http::parse_search(text));
  static_cast<void>(http::parse_search_batch(text));
  static_cast<void>(http::parse_count(text));
  static_cast<void>(http::parse_scroll(text));
  return 0;
}
