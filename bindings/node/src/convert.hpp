// Between JavaScript's values and the engine's. The JavaScript side of the package has checked types; here are memory and numbers.
//
// Threads: that of the environment.
#pragma once

#include <napi.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ndb/ndb.hpp"

namespace ndb::node {

/// The memory of a Float32Array, not a copy.
[[nodiscard]] std::span<const float> floats_of(const Napi::Value& array);
/// The floats of an array that a call reads, wherever it runs. JavaScript may transfer or shrink a buffer at any time, and its memory is gone
/// then whoever holds the array: so what runs off the event loop reads a copy, unless nobody but the package knows the array.
class InputFloats {
 public:
  InputFloats(const Napi::CallbackInfo& info, const Napi::Value& array, bool ours = false);
  InputFloats(InputFloats&&) = default;
  InputFloats& operator=(InputFloats&&) = delete;
  ~InputFloats();
  [[nodiscard]] std::span<const float> floats() const { return floats_; }

 private:
  std::shared_ptr<std::vector<float>> spare_;  // that of the environment, which takes the copy's memory back
  std::vector<float> copy_;
  std::span<const float> floats_;  // of copy_, or of the array
};

[[nodiscard]] std::string text_of(const Napi::Value& value);
/// Nothing for null and undefined.
[[nodiscard]] std::string text_or_none(const Napi::Value& value);
[[nodiscard]] std::vector<std::string> texts_of(const Napi::Value& array);
/// The number at `index` of the arguments; throws invalid_argument under `field` unless it is whole and from 0 to `most`.
[[nodiscard]] std::uint64_t whole(const Napi::CallbackInfo& info, std::size_t index, const char* field, double most = 0x1p53 - 1);
[[nodiscard]] std::uint32_t small(const Napi::CallbackInfo& info, std::size_t index, const char* field);
/// The filter at `index`, as JSON text; undefined and null match all. Throws what from_json refuses.
[[nodiscard]] Filter filter_of(const Napi::CallbackInfo& info, std::size_t index);

/// A Float32Array that takes the vector over rather than copying it, where the runtime allows that.
[[nodiscard]] Napi::Value vector_value(Napi::Env env, std::vector<float>&& vector);
/// null for empty text.
[[nodiscard]] Napi::Value payload_value(Napi::Env env, const std::string& json);
/// {seq, inserted, replaced, deleted, durability}
[[nodiscard]] Napi::Value write_value(Napi::Env env, const WriteResult& result);
/// [seq, manifestVersion, tookUs, plan, id, score, payload, vector, id, …] for the JavaScript side to make objects of: JSON texts, null
/// where there is none; payload and vector are left out unless they were asked for.
[[nodiscard]] Napi::Value search_value(Napi::Env env, SearchResult&& result, bool with_payload, bool with_vector);
/// [id, vector, payload, id, …]
[[nodiscard]] Napi::Value documents_value(Napi::Env env, std::vector<Document>&& documents);

}  // namespace ndb::node
