#include "ipc/shm/collection_block.hpp"

#include <sys/stat.h>

namespace ndb::ipc {

mode_t control_block_permissions(const std::filesystem::path& collection_folder) noexcept {
  struct stat status {};
  mode_t permissions = S_IRUSR | S_IWUSR;
  if (::stat(collection_folder.c_str(), &status) != 0) return permissions;
  if ((status.st_mode & S_IRGRP) != 0) permissions |= S_IRGRP | S_IWGRP;
  if ((status.st_mode & S_IROTH) != 0) permissions |= S_IROTH | S_IWOTH;
  return permissions;
}

}  // namespace ndb::ipc
