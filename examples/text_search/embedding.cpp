#include "examples/text_search/embedding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace ndb::text_search {
namespace {

constexpr float kWordWeight = 1.0F;
constexpr float kPairWeight = 0.7F;
constexpr float kLettersWeight = 0.5F;
constexpr float kCommonWordFactor = 0.15F;  // what stands in every text tells little
constexpr std::size_t kShortestLetters = 3;
constexpr std::size_t kLongestLetters = 5;

constexpr auto kCommonWords = std::to_array<std::string_view>(
    {"a",  "an", "and", "any", "are", "as",   "at",  "be",   "by",    "for",  "from", "has",  "have", "how", "if",   "in",
     "is", "it", "its", "may", "no",  "not",  "of",  "on",   "or",    "shall", "so",  "such", "that", "the", "this", "to",
     "was", "we", "what", "when", "which", "will", "with", "you", "your"});

// FNV-1a, and a finalizer because its low bits are weak.
std::uint64_t hash(std::string_view kind, std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325ULL;
  for (const std::string_view part : {kind, text})
    for (const char c : part) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  value ^= value >> 32U;
  value *= 0xD6E8FEB86659FD93ULL;
  return value ^ (value >> 32U);
}

// The sign makes collisions cancel on average instead of adding up.
void add(std::vector<float>& vector, std::string_view kind, std::string_view text, float weight) {
  const std::uint64_t value = hash(kind, text);
  vector[value % vector.size()] += (value >> 63U) != 0 ? weight : -weight;
}

float importance(std::string_view word) {
  return std::ranges::binary_search(kCommonWords, word) ? kCommonWordFactor : 1.0F;
}

void add_letters(std::vector<float>& vector, std::string_view word, float weight) {
  std::string framed = "<";
  framed += word;
  framed += '>';
  for (std::size_t length = kShortestLetters; length <= kLongestLetters; ++length)
    for (std::size_t i = 0; i + length <= framed.size(); ++i)
      add(vector, "l", std::string_view(framed).substr(i, length), weight / static_cast<float>(framed.size()) * 4.0F);
}

void normalize(std::vector<float>& vector) {
  double squares = 0.0;
  for (const float value : vector) squares += static_cast<double>(value) * static_cast<double>(value);
  if (squares == 0.0) return;
  const auto factor = static_cast<float>(1.0 / std::sqrt(squares));
  for (float& value : vector) value *= factor;
}

bool belongs_to_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) > 127;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!belongs_to_word(c)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c;
  }
  return words;
}

std::vector<float> embed(std::string_view text) {
  std::vector<float> vector(kDimensions, 0.0F);
  const std::vector<std::string> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const float weight = importance(words[i]);
    add(vector, "w", words[i], kWordWeight * weight);
    add_letters(vector, words[i], kLettersWeight * weight);
    if (i > 0) add(vector, "p", words[i - 1] + ' ' + words[i], kPairWeight * weight * importance(words[i - 1]));
  }
  normalize(vector);
  return vector;
}

}  // namespace ndb::text_search
