// Runs a fuzz target over kept inputs, and over changes of each (cut off, bits turned, pieces doubled), always the same ones: what a
// build without libFuzzer can try. NDB_FUZZ_MUTATIONS: how many of each input (default 300).
//   replay FOLDER
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void change(Bytes& bytes, std::mt19937_64& random) {
  for (auto times = 1 + random() % 4; times > 0 && !bytes.empty(); --times) {
    const std::size_t at = random() % bytes.size();
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t length = std::min<std::size_t>(1 + random() % 16, bytes.size() - at);
    switch (random() % 6) {
      case 0: bytes.resize(at); break;
      case 1: bytes.insert(place, static_cast<std::uint8_t>(random())); break;
      case 2: bytes.erase(place, place + static_cast<std::ptrdiff_t>(length)); break;
      case 3: {
        const Bytes piece(place, place + static_cast<std::ptrdiff_t>(length));
        bytes.insert(place, piece.begin(), piece.end());
        break;
      }
      case 4: std::fill_n(place, length, static_cast<std::uint8_t>(random() % 2 == 0 ? 0xFF : 0)); break;
      default: *place = static_cast<std::uint8_t>(*place ^ (1U << random() % 8)); break;
    }
  }
}

// In a block of exactly its size, so that AddressSanitizer sees one byte too far.
void run(const Bytes& bytes) {
  const auto exact = std::make_unique<std::uint8_t[]>(bytes.size());
  std::ranges::copy(bytes, exact.get());
  static_cast<void>(LLVMFuzzerTestOneInput(exact.get(), bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const char* many = std::getenv("NDB_FUZZ_MUTATIONS");
  const int mutations = many != nullptr ? std::atoi(many) : 300;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::mt19937_64 random(20'260'101);
  run({});
  for (const auto& path : paths) {
    const Bytes bytes = read(path);
    run(bytes);
    for (int i = 0; i < mutations; ++i) {
      Bytes changed = bytes;
      change(changed, random);
      run(changed);
    }
  }
  std::printf("%zu inputs, %d changes of each\n", paths.size(), mutations);
  return paths.empty() ? 1 : 0;
}
