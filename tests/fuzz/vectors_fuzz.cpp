// Files of vectors that other tools wrote: the first byte says which format, the rest is the file.
#include <array>
#include <cmath>

#include "shared/fs/file_system.hpp"
#include "shared/io/vector_reader.hpp"
#include "tests/fuzz/scratch_file.hpp"

using namespace ndb;

namespace {

void read_all(const fs::Path& path, io::OnBadRow bad) {
  const auto reader = io::VectorReader::open(path, bad);
  if (!reader) return;
  io::Batch batch;
  for (int i = 0; i < 50; ++i) {
    const auto more = (*reader)->next(batch, 7);
    if (!more || !*more) break;
    fuzz::must(batch.dim > 0 && batch.values.size() == batch.size() * batch.dim && batch.size() <= 7, "a batch that is no whole number of rows");
    fuzz::must(batch.ids.empty() || batch.ids.size() == batch.size(), "another number of ids than rows");
    fuzz::must(batch.payloads.empty() || batch.payloads.size() == batch.size(), "another number of payloads than rows");
    fuzz::must(batch.bad.empty() || bad == io::OnBadRow::keep_going, "bad rows that nobody asked for");
    for (const auto& row : batch.bad) fuzz::must(row.row < batch.size() && !row.why.empty(), "a bad row that is none");
    for (const float x : batch.values) fuzz::must(std::isfinite(x), "a value that is not finite");
  }
}

}  // namespace

NDB_FUZZ_TARGET(vectors, data, size) {
  if (size == 0) return 0;
  static const std::array<fuzz::ScratchFile, 7> files = {fuzz::ScratchFile(".npy"), fuzz::ScratchFile(".npz"), fuzz::ScratchFile(".fvecs"),
                                                         fuzz::ScratchFile(".bvecs"), fuzz::ScratchFile(".ivecs"),
                                                         fuzz::ScratchFile(".jsonl"), fuzz::ScratchFile(".csv")};
  const auto path = files[data[0] % files.size()].put(data + 1, size - 1);
  read_all(path, io::OnBadRow::fail);
  read_all(path, io::OnBadRow::keep_going);
  return 0;
}
