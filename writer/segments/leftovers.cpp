#include "writer/segments/leftovers.hpp"

namespace ndb::writer {
namespace {

constexpr std::uint64_t kKeptClaims = 64;
constexpr std::chrono::hours kLongestPublish{1};
constexpr std::string_view kTemporary = ".tmp-";  // see fs::replace_file

}  // namespace

Result<std::vector<fs::Path>> Leftovers::find(Epoch mine) {
  std::vector<fs::Path> paths;
  NDB_TRY(find_claims(mine, paths));
  NDB_TRY(find_temporaries(paths));
  return paths;
}

Status Leftovers::find_claims(Epoch mine, std::vector<fs::Path>& out) const {
  const auto folder = format::epoch_claims_folder(collection_);
  NDB_TRY_ASSIGN(const auto names, fs_.list(folder));
  for (const auto& name : names) {
    const auto epoch = name.ends_with(".claim") ? format::parse_number(name.substr(0, name.find('.'))) : std::nullopt;
    if (epoch && *epoch + kKeptClaims <= mine.value) out.push_back(folder / name);
  }
  return {};
}

Status Leftovers::find_temporaries(std::vector<fs::Path>& out) {
  const auto now = clock_.now();
  decltype(first_seen_) there;
  for (const auto& folder : {collection_, format::epoch_claims_folder(collection_), format::manifest_folder(collection_)}) {
    NDB_TRY_ASSIGN(const auto names, fs_.list(folder));
    for (const auto& name : names) {
      if (name.find(kTemporary) == std::string::npos) continue;
      const auto known = first_seen_.find(folder / name);
      const auto since = known == first_seen_.end() ? now : known->second;
      there.emplace(folder / name, since);
      if (now - since >= kLongestPublish) out.push_back(folder / name);
    }
  }
  first_seen_ = std::move(there);
  return {};
}

}  // namespace ndb::writer
