// Configuration files.
#include "shared/config/sources.hpp"
#include "tests/fuzz/scratch_file.hpp"

using namespace ndb;

NDB_FUZZ_TARGET(yaml, data, size) {
  static const fuzz::ScratchFile file(".yaml");
  static_cast<void>(config::read_yaml_file(file.put(data, size)));
  static_cast<void>(config::parse_collections(std::string(reinterpret_cast<const char*>(data), size), "fuzz"));
  return 0;
}
