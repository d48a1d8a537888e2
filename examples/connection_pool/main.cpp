// Twenty tenants with a folder each, eight threads that serve them, four folders open at a time.   connection_pool_example FOLDER
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include "examples/connection_pool/pool.hpp"

namespace {

constexpr int kTenants = 20;
constexpr int kThreads = 8;
constexpr int kRequests = 50;  // of each thread

// One request: remembers something for the tenant, and finds it.
ndb::Status serve(example::Pool& pool, int tenant, const std::string& id, float x) {
  auto database = pool.lease("tenant-" + std::to_string(tenant));
  if (!database) return std::unexpected(database.error());
  auto notes = (*database)->create_collection("notes", {.dim = 2, .distance = ndb::Distance::euclidean});
  if (!notes && notes.error().code == ndb::ErrorCode::already_exists) notes = (*database)->get_collection("notes");
  if (!notes) return std::unexpected(notes.error());
  const std::vector<float> vector{x, static_cast<float>(tenant)};
  if (const auto written = notes->insert({.id = id, .vector = vector}); !written) return std::unexpected(written.error());
  const auto found = notes->search(ndb::Search(std::span(vector)).top_k(1));
  if (!found) return std::unexpected(found.error());
  if (found->size() != 1 || (*found)[0].id != id) return ndb::fail(ndb::ErrorCode::internal, "found something else");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  example::Pool pool(argv[1], 4);
  std::atomic<int> failures = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests; ++i) {
        const int tenant = (t + i / 5) % kTenants;  // a few requests in a row for one tenant, as sessions do
        const auto served = serve(pool, tenant, std::to_string(t) + "-" + std::to_string(i), static_cast<float>(t * kRequests + i));
        if (served) continue;
        ++failures;
        std::cerr << ndb::error_code_name(served.error().code) << ": " << served.error().message << '\n';
      }
    });
  threads.clear();

  std::uint64_t notes = 0;
  for (int tenant = 0; tenant < kTenants; ++tenant)
    if (auto database = pool.lease("tenant-" + std::to_string(tenant)); database && (*database)->has_collection("notes"))
      notes += (*database)->get_collection("notes")->count().value_or(0);
  std::cout << kThreads * kRequests << " requests of " << kThreads << " threads, " << failures << " failed; " << notes << " notes kept; folders opened "
            << pool.opened() << " times, 4 at a time\n";
  return failures == 0 && notes == kThreads * kRequests ? 0 : 1;
}
