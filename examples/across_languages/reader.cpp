// A reader for writer.py: tells each write as soon as it is seen here.   reader_cpp FOLDER WRITES
#include <ndb/ndb.hpp>

#include <cstdlib>
#include <ctime>
#include <iostream>

namespace {

template <class T>
T value(ndb::Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << ndb::error_code_name(result.error().code) << ": " << result.error().message << '\n';
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto database = value(ndb::Database::open(argv[1], {.read_only = true}));
  const auto docs = value(database.get_collection("docs"));
  std::cout << "ready" << std::endl;
  for (ndb::Seq seq{1}; seq.value <= std::stoull(argv[2]); seq = seq.next()) {
    if (const auto waited = docs.wait_for(seq, std::chrono::seconds(60)); !waited) return 1;
    const auto count = value(docs.count());
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    std::cout << seq.value << ' ' << count << ' ' << now.tv_sec * 1'000'000'000L + now.tv_nsec << std::endl;
  }
}
