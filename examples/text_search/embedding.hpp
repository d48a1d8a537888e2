// Texts as vectors without any model: signed feature hashing (Weinberger et al. 2009, "Feature Hashing for Large Scale
// Multitask Learning") of words, pairs of neighbouring words, and letter n-grams, which make "index", "indexes" and
// "indexing" neighbours. No match for a trained model, but real text, real distances, and nothing to download.
//
// Threads: any; pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ndb::text_search {

inline constexpr std::size_t kDimensions = 384;

/// The words of a text: runs of letters, digits and bytes above 127, in lower case (ASCII).
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

/// [kDimensions] of length 1, or all zero if the text holds no word.
[[nodiscard]] std::vector<float> embed(std::string_view text);

}  // namespace ndb::text_search
