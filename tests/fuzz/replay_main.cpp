// Runs a fuzz target over kept inputs, and over changes of each (cut off, bits turned, pieces doubled), always the same ones: what a
// build without libFuzzer can try. NDB_FUZZ_MUTATIONS: how many of each input (default 300; a tenth for the many of found.pack, see
// pack.py); seeds: tests/support/seeds.hpp.
//   fuzz_corpus_test TARGET FOLDER|FILE
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.hpp"
#include "tests/support/seeds.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

std::map<std::string, ndb::fuzz::Body>& targets() {
  static std::map<std::string, ndb::fuzz::Body> all;
  return all;
}

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
void run(ndb::fuzz::Body body, const Bytes& bytes) {
  const auto exact = std::make_unique<std::uint8_t[]>(bytes.size());
  std::ranges::copy(bytes, exact.get());
  static_cast<void>(body(exact.get(), bytes.size()));
}

std::vector<Bytes> unpacked(const Bytes& pack) {
  std::vector<Bytes> inputs;
  for (std::size_t at = 0; at + 4 <= pack.size();) {
    std::uint32_t length = 0;
    std::memcpy(&length, pack.data() + at, sizeof length);
    const auto begin = pack.begin() + static_cast<std::ptrdiff_t>(at + 4);
    if (length > pack.size() - at - 4) throw std::runtime_error("a pack that is cut off");
    inputs.emplace_back(begin, begin + length);
    at += 4 + length;
  }
  return inputs;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::uint64_t mutations_of_each() {
  const char* many = std::getenv("NDB_FUZZ_MUTATIONS");
  return many != nullptr ? std::strtoull(many, nullptr, 10) : 300;
}

std::uint64_t run_changes(ndb::fuzz::Body body, const std::vector<Bytes>& inputs, std::uint64_t mutations, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (const auto& input : inputs)
    for (std::uint64_t i = 0; i < mutations; ++i) {
      Bytes changed = input;
      change(changed, random);
      run(body, changed);
    }
  return inputs.size() * mutations;
}

}  // namespace

ndb::fuzz::Registered::Registered(const char* name, Body body) { targets().emplace(name, body); }

int main(int argc, char** argv) {
  if (argc != 3 || !targets().contains(argv[1])) return 2;
  const auto body = targets().at(argv[1]);
  std::vector<Bytes> kept = {{}}, found;
  for (const auto& file : files_of(argv[2]))
    if (file.extension() == ".pack") found = unpacked(read(file));
    else kept.push_back(read(file));
  for (const auto* inputs : {&kept, &found})
    for (const auto& input : *inputs) run(body, input);
  const auto mutations = mutations_of_each();
  std::uint64_t changes = 0;
  for (const auto seed : ndb::test::seeds(1)) {
    std::fprintf(stderr, "the changes of seed %zu (NDB_TEST_SEED=%zu repeats them)\n", seed, seed);
    changes += run_changes(body, kept, mutations, seed) + run_changes(body, found, mutations / 10, seed);
  }
  std::printf("%s: %zu kept inputs, %zu that fuzzing found, and %zu changes of them\n", argv[1], kept.size() - 1, found.size(), changes);
  return kept.size() > 1 ? 0 : 1;
}
