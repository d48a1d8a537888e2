#include "shared/index/search_pool.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "shared/index/visited_set.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace ndb::index;

TEST_CASE("the pool keeps the nearest in order and hands each out once") {
  const unsigned seed = 17;
  std::mt19937 random(seed);
  SearchPool pool;
  for (int round = 0; round < 100; ++round) {
    CAPTURE(seed, round);
    const std::size_t capacity = 1 + random() % 30;
    pool.reset(capacity);
    std::vector<float> keys;
    std::set<std::uint32_t> taken;
    for (std::uint32_t node = 0; node < 200; ++node) {
      keys.push_back(static_cast<float>(random() % 1000));
      pool.insert(keys.back(), node);
      if (random() % 3 == 0 && pool.has_next()) CHECK(taken.insert(pool.take_next()).second);
    }
    while (pool.has_next()) CHECK(taken.insert(pool.take_next()).second);
    std::vector<float> sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(pool.size() == capacity);
    for (std::size_t i = 0; i < capacity; ++i) {
      CHECK(pool.key(i) == sorted[i]);
      CHECK(keys[pool.node(i)] == pool.key(i));
      CHECK(taken.contains(pool.node(i)));
    }
  }
}

TEST_CASE("many nodes at once end up as they would one by one") {
  std::mt19937 random(18);
  for (int round = 0; round < 300; ++round) {
    const std::size_t capacity = 1 + random() % 40;
    const std::size_t reach = 1 + random() % 40;
    SearchPool pool, expected;
    pool.reset(capacity, reach);
    expected.reset(capacity, reach);
    std::uint32_t node = 0;
    for (int step = 0; step < 30; ++step) {
      CAPTURE(round, step, capacity, reach);
      std::vector<std::pair<float, std::uint32_t>> added;
      for (std::size_t i = random() % 12; i > 0; --i)
        added.emplace_back(random() % 20 == 0 ? std::nanf("") : static_cast<float>(random() % 500), node++);
      std::vector<float> keys;
      std::vector<std::uint32_t> nodes;
      for (const auto& [key, its_node] : added) {
        keys.push_back(key);
        nodes.push_back(its_node);
        expected.insert(std::isnan(key) ? std::numeric_limits<float>::infinity() : key, its_node);
      }
      pool.insert_all(keys, nodes);
      REQUIRE(pool.size() == expected.size());
      REQUIRE(pool.has_next() == expected.has_next());
      for (std::size_t i = 0; i < pool.size(); ++i) {
        REQUIRE(pool.key(i) == expected.key(i));
        REQUIRE(pool.node(i) == expected.node(i));
      }
      if (pool.has_next()) REQUIRE(pool.take_next() == expected.take_next());
    }
  }
}

TEST_CASE("a NaN key, as damaged codes may give, never breaks the pool") {
  SearchPool pool;
  pool.reset(4);
  for (std::uint32_t node = 0; node < 20; ++node)
    pool.insert(node % 3 == 0 ? std::nanf("") : static_cast<float>(node), node);
  CHECK(pool.size() == 4);
  std::size_t taken = 0;
  while (pool.has_next()) taken += pool.take_next() < 20 ? 1 : 0;
  CHECK(taken == 4);
}

TEST_CASE("a visited set is empty after reset, whatever was in it") {
  VisitedSet visited;
  for (int round = 0; round < 3; ++round) {
    visited.reset(1000);
    for (std::uint32_t node = 0; node < 1000; node += 7) CHECK(visited.insert(node));
    for (std::uint32_t node = 0; node < 1000; ++node) CHECK(visited.insert(node) == (node % 7 != 0));
  }
}

}  // namespace
