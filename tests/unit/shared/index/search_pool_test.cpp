#include "shared/index/search_pool.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "shared/index/frontier.hpp"
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

TEST_CASE("of many nodes, a visited set copies those that were not there") {
  std::mt19937 random(19);
  VisitedSet visited;
  for (int round = 0; round < 20; ++round) {
    visited.reset(5000);
    std::set<std::uint32_t> met;
    for (int step = 0; step < 50; ++step) {
      std::vector<std::uint32_t> nodes, expected;
      for (std::size_t i = random() % 40; i > 0; --i) nodes.push_back(static_cast<std::uint32_t>(random() % 5000));
      for (const std::uint32_t node : nodes)
        if (met.insert(node).second) expected.push_back(node);
      std::vector<std::uint32_t> out(nodes.size());
      out.resize(visited.insert_new(nodes, out.data()));
      REQUIRE(out == expected);
      for (const std::uint32_t node : nodes) REQUIRE(visited.contains(node));
    }
  }
}

TEST_CASE("a frontier hands out the nearest of all groups that are rated, the first of equal ones") {
  std::mt19937 random(20);
  constexpr float kFar = std::numeric_limits<float>::infinity();
  for (const auto* kernels : ndb::simd::usable_kernels()) {
    Frontier frontier;
    for (int round = 0; round < 20; ++round) {
      CAPTURE(kernels->name, round);
      frontier.reset(*kernels);
      CHECK(frontier.nearest_key() == kFar);
      std::vector<std::pair<float, std::uint32_t>> left;  // in the order in which they came
      std::uint32_t node = 0;
      for (int step = 0; step < 60; ++step) {
        const std::size_t count = random() % 40;
        std::uint32_t* const room = frontier.room(count);
        std::vector<float> keys;
        for (std::size_t i = 0; i < count; ++i) {
          room[i] = node++;
          keys.push_back(random() % 20 == 0 ? std::nanf("") : static_cast<float>(random() % 300));
        }
        const std::size_t group = frontier.add(count);
        std::ranges::copy(keys, frontier.keys(group));
        frontier.rate(group);
        for (std::size_t i = 0; i < count; ++i)
          if (!std::isnan(keys[i])) left.emplace_back(keys[i], node - static_cast<std::uint32_t>(count - i));
        for (std::size_t taken = random() % 20; taken > 0; --taken) {
          const auto nearest = std::ranges::min_element(left, {}, &std::pair<float, std::uint32_t>::first);
          REQUIRE(frontier.nearest_key() == (nearest == left.end() ? kFar : nearest->first));
          if (nearest == left.end()) break;
          REQUIRE(frontier.take_nearest() == nearest->second);
          left.erase(nearest);
        }
      }
    }
  }
}

}  // namespace
