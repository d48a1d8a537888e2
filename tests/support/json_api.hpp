// Small helpers to speak nDB's JSON API in tests.
#pragma once

#include <boost/json.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "ipc/http/client.hpp"

namespace ndb::test {

/// Sends a request and returns the parsed body of a 2xx answer; throws with the answer otherwise. "Try again later" is taken at its
/// word: how loaded the machine is must not decide a test.
inline boost::json::value call(http::Client& client, const std::string& method, const std::string& target,
                               const std::string& body = {}) {
  client.set_request_timeout(std::chrono::minutes(8));
  auto response = client.request(method, target, {{"Content-Type", "application/json"}}, body);
  while (response && response->status == 429)
    response = client.request(method, target, {{"Content-Type", "application/json"}}, body);
  if (!response) throw std::runtime_error(target + ": " + response.error().message);
  if (!response->ok()) throw std::runtime_error(target + ": " + std::to_string(response->status) + " " + response->body);
  return boost::json::parse(response->body);
}

inline std::string json_array(const std::vector<float>& values) {
  boost::json::array array;
  for (const float value : values) array.emplace_back(value);
  return boost::json::serialize(array);
}

}  // namespace ndb::test
