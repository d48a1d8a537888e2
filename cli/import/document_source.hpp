// Where imported documents come from: files, or another database. What all sources share is that they can go on at a place which they
// named before, so that an import that was killed does.
//
// Threads: a source belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/progress.hpp"
#include "ndb/document.hpp"
#include "ndb/error.hpp"

namespace ndb::cli {

/// A document that cannot be taken, as it is told in the file of rejects.
struct Reject {
  std::string file;
  std::uint64_t row = 0;   ///< of the source, from 0
  std::uint64_t line = 0;  ///< of the file, from 1; 0 where there are no lines
  std::string id;          ///< if it has one
  std::string why;
  std::string text;        ///< as it stands in a text file
};

/// Documents on their way, with what they point to.
struct Chunk {
  std::uint32_t dim = 0;
  std::vector<float> values;
  std::vector<std::string> ids, payloads;
  std::vector<std::uint64_t> rows;  ///< of the source, from 0
  std::vector<Reject> rejects;      ///< rows of this piece of the source that are no documents
  std::string position;             ///< where the source goes on behind this chunk
  std::uint64_t rows_end = 0;       ///< rows of the source up to there

  [[nodiscard]] std::size_t size() const noexcept { return ids.size(); }
  [[nodiscard]] bool empty() const noexcept { return ids.empty() && rejects.empty(); }
  [[nodiscard]] std::vector<DocumentView> views() const {
    std::vector<DocumentView> views;
    views.reserve(size());
    for (std::size_t i = 0; i < size(); ++i)
      views.push_back({.id = ids[i], .vector = std::span(values).subspan(i * dim, dim), .payload = payloads[i]});
    return views;
  }
  /// As new, but keeps its memory.
  void clear() noexcept {
    values.clear();
    ids.clear();
    payloads.clear();
    rows.clear();
    rejects.clear();
  }
  void add(std::uint64_t row, std::string id, std::span<const float> vector, std::string payload) {
    rows.push_back(row);
    ids.push_back(std::move(id));
    values.insert(values.end(), vector.begin(), vector.end());
    payloads.push_back(std::move(payload));
  }
  /// Takes the i-th document out and rejects it.
  void reject(std::size_t i, const std::string& file, std::string why) {
    rejects.push_back({.file = file, .row = rows[i], .line = 0, .id = std::move(ids[i]), .why = std::move(why), .text = {}});
    const auto at = static_cast<std::ptrdiff_t>(i), width = static_cast<std::ptrdiff_t>(dim);
    values.erase(values.begin() + at * width, values.begin() + (at + 1) * width);
    rows.erase(rows.begin() + at);
    ids.erase(ids.begin() + at);
    payloads.erase(payloads.begin() + at);
  }
};

class DocumentSource {
 public:
  virtual ~DocumentSource() = default;

  /// Elements of every vector; 0 if there are no documents.
  [[nodiscard]] virtual std::uint32_t dim() const noexcept = 0;
  /// Replaces `into` by at most max_rows rows; false at the end.
  [[nodiscard]] virtual Result<bool> next(Chunk& into, std::size_t max_rows) = 0;
  /// Goes on where a chunk's `position` says, in a source that was opened anew.
  [[nodiscard]] virtual Status go_to(const std::string& position) = 0;
  /// How far the source was read; rows counts those that next() returned or go_to() passed.
  [[nodiscard]] virtual Done done() const = 0;
  /// Where it is: files with their folders, a server's address.
  [[nodiscard]] virtual std::string origin() const = 0;
  /// What it is, down to sizes and dates of files: an import goes on only from the same source. "" if it cannot.
  [[nodiscard]] virtual std::string identity() const = 0;
  /// In errors: "vectors.npy".
  [[nodiscard]] virtual std::string name() const = 0;
};

}  // namespace ndb::cli
