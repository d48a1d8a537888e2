#include "writer/wal_file.hpp"

namespace ndb::writer {

Result<std::shared_ptr<WalFile>> WalFile::create(fs::FileSystem& fs, const fs::Path& collection, format::WalName name,
                                                 std::uint64_t collection_uid) {
  NDB_TRY_ASSIGN(auto file, fs.create_exclusive(format::wal_path(collection, name)));
  std::shared_ptr<WalFile> wal(new WalFile(std::move(file), name));
  std::vector<std::byte> header;
  format::append_wal_file_header(header, name, collection_uid);
  NDB_TRY(wal->append(header));
  NDB_TRY(wal->sync());
  NDB_TRY(fs.sync_directory(format::wal_folder(collection)));
  wal->note_synced(wal->bytes());
  return wal;
}

Status WalFile::append(base::ByteSpan bytes) {
  NDB_TRY(file_->append(bytes));
  bytes_ += bytes.size();
  return {};
}

}  // namespace ndb::writer
