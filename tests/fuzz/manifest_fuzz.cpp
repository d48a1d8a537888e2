// Manifests and pointer files: as bytes, and as any content under a checksum that is right.
#include <fmt/format.h>

#include "shared/base/crc32c.hpp"
#include "shared/format/manifest.hpp"
#include "shared/format/pointer_files.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/memory_file_system.hpp"

using namespace ndb;

namespace {

void check(base::ByteSpan bytes) {
  const auto manifest = format::decode_manifest(bytes, "m");
  if (!manifest) return;
  static_cast<void>(format::manifest_to_json(*manifest));
  const auto again = format::decode_manifest(format::encode_manifest(*manifest), "m");
  fuzz::must(again && *again == *manifest, "a manifest that was read is not the same when written and read again");
}

}  // namespace

NDB_FUZZ_TARGET(manifest, data, size) {
  const base::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  check(bytes);
  if (size >= 20) {  // the same bytes with the length and the checksum that they should have
    std::vector<std::byte> whole(bytes.begin(), bytes.end() - 4);
    base::store(whole.data() + 12, static_cast<std::uint32_t>(size - 20));
    base::append(whole, base::crc32c(whole));
    check(whole);
  }
  fuzz::MemoryFileSystem fs;
  for (const char* name : {"c/CURRENT", "c/EPOCH", "c/BOUNDARY"}) fs.put(name, bytes);
  static_cast<void>(format::read_current(fs, "c"));
  static_cast<void>(format::read_epoch(fs, "c"));
  static_cast<void>(format::read_boundary(fs, "c"));
  for (const auto& [name, kind] : {std::pair{"c/CURRENT", "current"}, {"c/EPOCH", "epoch"}, {"c/BOUNDARY", "boundary"}}) {
    const auto text = fmt::format("ndb {} 1\n{}", kind, base::as_text(bytes));
    fs.put(name, base::as_bytes(fmt::format("{}checksum {:08x}\n", text, base::crc32c(base::as_bytes(text)))));
  }
  if (const auto current = format::read_current(fs, "c")) {
    fuzz::must(format::write_current(fs, "c", *current).has_value(), "writing CURRENT");
    const auto again = format::read_current(fs, "c");
    fuzz::must(again && again->version == current->version && again->collection_uid == current->collection_uid, "CURRENT is another when written");
  }
  static_cast<void>(format::read_epoch(fs, "c"));
  static_cast<void>(format::read_boundary(fs, "c"));
  return 0;
}
