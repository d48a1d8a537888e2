#include "bindings/node/src/convert.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "bindings/node/src/tasks.hpp"

namespace ndb::node {
namespace {

// Copies of so many floats take and leave the environment's spare memory: pages that are new to a process cost more than filling them.
constexpr std::size_t kSmallest = 1U << 16U;
constexpr std::size_t kLargest = 1U << 24U;

void set(Napi::Env env, napi_value array, std::uint32_t index, napi_value value) {
  NAPI_THROW_IF_FAILED_VOID(env, napi_set_element(env, array, index, value));
}

napi_value string_value(Napi::Env env, std::string_view text) {
  napi_value value = nullptr;
  NAPI_THROW_IF_FAILED(env, napi_create_string_utf8(env, text.data(), text.size(), &value), nullptr);
  return value;
}

napi_value number_value(Napi::Env env, double number) {
  napi_value value = nullptr;
  NAPI_THROW_IF_FAILED(env, napi_create_double(env, number, &value), nullptr);
  return value;
}

Napi::Value plan_value(Napi::Env env, const std::optional<SearchPlan>& plan) {
  if (!plan) return env.Null();
  auto object = Napi::Object::New(env);
  object["plan"] = Napi::String::New(env, plan->plan);
  const auto count = [&](const char* name, std::uint64_t value) { object[name] = Napi::Number::New(env, static_cast<double>(value)); };
  count("rowsMatched", plan->rows_matched);
  count("distances", plan->distances);
  count("estimatedDistances", plan->estimated_distances);
  count("hops", plan->hops);
  count("bytesTouched", plan->bytes_touched);
  return object;
}

}  // namespace

Napi::Value error_value(Napi::Env env, const Error& error) {
  const auto code = error_code_name(error.code);
  return Runtime::of(env).make_error.Call({string_value(env, code), string_value(env, error.message), string_value(env, error.field)});
}

void raise(Napi::Env env, const Error& error) { throw Napi::Error(env, error_value(env, error)); }

void raise(Napi::Env env, ErrorCode code, std::string message, std::string field) {
  raise(env, Error{code, std::move(message), std::move(field)});
}

std::span<const float> floats_of(const Napi::Value& array) {
  const auto floats = array.As<Napi::Float32Array>();
  return {floats.Data(), floats.ElementLength()};
}

// Of the whole pages that a reserved vector has; a wish.
static void ask_for_huge_pages(const std::vector<float>& reserved) {
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = (reinterpret_cast<std::uintptr_t>(reserved.data()) + kPage - 1) / kPage * kPage;
  const auto end = reinterpret_cast<std::uintptr_t>(reserved.data() + reserved.capacity()) / kPage * kPage;
  if (begin < end) static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
}

InputFloats::InputFloats(const Napi::CallbackInfo& info, const Napi::Value& array, bool ours) : floats_(floats_of(array)) {
  if (ours || info.Data() == kSync) return;
  spare_ = Runtime::of(info.Env()).spare;
  if (floats_.size() > kSmallest) copy_.swap(*spare_);
  if (floats_.size() > std::max(kSmallest, copy_.capacity())) {
    copy_.reserve(floats_.size());
    ask_for_huge_pages(copy_);
  }
  copy_.assign(floats_.begin(), floats_.end());
  floats_ = copy_;
}

InputFloats::~InputFloats() {
  if (spare_ && copy_.capacity() > spare_->capacity() && copy_.capacity() <= kLargest) spare_->swap(copy_);
}

std::string text_of(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

std::string text_or_none(const Napi::Value& value) { return value.IsString() ? text_of(value) : std::string{}; }

std::vector<std::string> texts_of(const Napi::Value& array) {
  const auto values = array.As<Napi::Array>();
  const std::uint32_t count = values.Length();
  std::vector<std::string> texts;
  texts.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Napi::HandleScope scope(array.Env());  // or all of them would live until the call ends
    texts.push_back(text_or_none(values[i]));
  }
  return texts;
}

std::uint64_t whole(const Napi::CallbackInfo& info, std::size_t index, const char* field, double most) {
  const double value = info[index].As<Napi::Number>().DoubleValue();
  if (value >= 0 && value <= most && std::trunc(value) == value) return static_cast<std::uint64_t>(value);
  raise(info.Env(), ErrorCode::invalid_argument, fmt::format("{} is {}; it must be a whole number from 0 to {}", field, value, most), field);
}

std::uint32_t small(const Napi::CallbackInfo& info, std::size_t index, const char* field) {
  return static_cast<std::uint32_t>(whole(info, index, field, std::numeric_limits<std::uint32_t>::max()));
}

Filter filter_of(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsString()) return {};
  auto filter = Filter::from_json(text_of(info[index]));
  if (!filter) raise(info.Env(), filter.error());
  return std::move(*filter);
}

Napi::Value vector_value(Napi::Env env, std::vector<float>&& vector) {
  const std::size_t count = vector.size();
  constexpr std::size_t kCopiedBytes = 4096;  // up to here a copy costs less than a finalizer
  napi_value buffer = nullptr;
  if (count * sizeof(float) > kCopiedBytes) {
    auto owner = std::make_unique<std::vector<float>>(std::move(vector));
    const auto finalize = [](napi_env, void*, void* hint) { delete static_cast<std::vector<float>*>(hint); };
    if (napi_create_external_arraybuffer(env, owner->data(), count * sizeof(float), finalize, owner.get(), &buffer) == napi_ok) {
      static_cast<void>(owner.release());
      return Napi::Float32Array::New(env, count, Napi::ArrayBuffer(env, buffer), 0);
    }
    vector = std::move(*owner);  // runtimes that keep all buffers inside a cage of their own
  }
  auto array = Napi::Float32Array::New(env, count);
  if (count != 0) std::memcpy(array.Data(), vector.data(), count * sizeof(float));
  return array;
}

Napi::Value payload_value(Napi::Env env, const std::string& json) {
  if (json.empty()) return env.Null();
  return {env, string_value(env, json)};
}

Napi::Value write_value(Napi::Env env, const WriteResult& result) {
  auto object = Napi::Object::New(env);
  const auto count = [&](const char* name, std::uint64_t value) { object[name] = Napi::Number::New(env, static_cast<double>(value)); };
  count("seq", result.seq.value);
  count("inserted", result.inserted);
  count("replaced", result.replaced);
  count("deleted", result.deleted);
  object["durability"] = Napi::String::New(env, std::string(durability_name(result.durability)));
  return object;
}

Napi::Value search_value(Napi::Env env, SearchResult&& result, bool with_payload, bool with_vector) {
  napi_value array = nullptr;
  const std::size_t parts = 2U + (with_payload ? 1U : 0U) + (with_vector ? 1U : 0U);
  NAPI_THROW_IF_FAILED(env, napi_create_array_with_length(env, 4 + result.size() * parts, &array), Napi::Value());
  std::uint32_t at = 0;
  set(env, array, at++, number_value(env, static_cast<double>(result.seq.value)));
  set(env, array, at++, number_value(env, static_cast<double>(result.manifest_version.value)));
  set(env, array, at++, number_value(env, static_cast<double>(result.took_us)));
  set(env, array, at++, plan_value(env, result.plan));
  for (Match& match : result.matches) {
    const Napi::HandleScope scope(env);
    set(env, array, at++, string_value(env, match.id));
    set(env, array, at++, number_value(env, static_cast<double>(match.score)));
    if (with_payload) set(env, array, at++, payload_value(env, match.payload));
    if (with_vector) set(env, array, at++, vector_value(env, std::move(match.vector)));
  }
  return {env, array};
}

Napi::Value documents_value(Napi::Env env, std::vector<Document>&& documents) {
  auto array = Napi::Array::New(env, documents.size() * 3);
  std::uint32_t at = 0;
  for (Document& document : documents) {
    const Napi::HandleScope scope(env);
    set(env, array, at++, string_value(env, document.id));
    set(env, array, at++, vector_value(env, std::move(document.vector)));
    set(env, array, at++, payload_value(env, document.payload));
  }
  return array;
}

}  // namespace ndb::node
