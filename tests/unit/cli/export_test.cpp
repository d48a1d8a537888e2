#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/unit/cli/tool.hpp"

using namespace tool;

namespace {

constexpr int kExported = 3'000;
constexpr int kExportedDim = 7;

/// Any finite float: tiny ones, -0, all exponents.
float any_float(std::mt19937_64& random) {
  for (;;) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isfinite(value)) return value;
  }
}
double any_double(std::mt19937_64& random) {
  for (;;) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) return value;
  }
}

std::string npy_file(const std::vector<float>& values, std::size_t rows) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " + std::to_string(values.size() / rows) + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::string bytes = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("what is exported and imported again is the same to the last bit") {
  for (const Over over : {Over::folder, Over::server}) {
    const Tool tool(over);
    const std::uint64_t seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    std::vector<float> values;
    std::string lines;
    for (int i = 0; i < kExported; ++i) {
      for (int d = 0; d < kExportedDim; ++d) values.push_back(any_float(random));
      boost::json::object payload = {{"i", static_cast<std::int64_t>(random())}, {"u", random()}, {"whole", 3.0}, {"text", "\u00e4\n\"\\"}, {"list", {1, nullptr, true}}};
      char number[64];
      std::snprintf(number, sizeof number, "%.17g", any_double(random));
      char id[16];
      std::snprintf(id, sizeof id, "%06d", i);  // ordered, so that the vectors' file comes out as it went in
      lines += std::string("{\"id\":\"") + id + "\",\"payload\":" + (i % 5 == 0 ? "null" : "{\"d\":" + std::string(number) + "," + boost::json::serialize(payload).substr(1)) + "}\n";
    }
    const auto vectors = tool.file("v.npy", npy_file(values, kExported));
    tool.ok({"import", "docs", vectors, "--documents", tool.file("d.jsonl", lines), "--create", "--distance", "dot", "--strict"});
    const auto folder = std::filesystem::path(vectors).parent_path().string();
    CHECK(tool.json({"export", "docs", "-o", folder + "/out.npy"}).at("documents") == kExported);
    const auto exported = content(folder + "/out.npy");
    REQUIRE(exported.size() == 128 + values.size() * sizeof(float));
    CHECK(std::memcmp(exported.data() + 128, values.data(), values.size() * sizeof(float)) == 0);

    tool.ok({"import", "copy", folder + "/out.npy", "--documents", folder + "/out.jsonl", "--create", "--distance", "dot", "--strict"});
    tool.ok({"export", "copy", "-o", folder + "/again.npy"});
    CHECK(content(folder + "/again.npy") == exported);
    CHECK(content(folder + "/again.jsonl") == content(folder + "/out.jsonl"));
    CHECK(std::ranges::count(content(folder + "/out.jsonl"), '\n') == kExported);

    // The same through lines of JSON.
    tool.ok({"export", "docs", "-o", folder + "/all.jsonl"});
    tool.ok({"import", "lines", folder + "/all.jsonl", "--create", "--distance", "dot", "--strict"});
    CHECK(tool.ok({"export", "lines"}).out == content(folder + "/all.jsonl"));
    tool.ok({"export", "lines", "-o", folder + "/lines.npy"});
    CHECK(content(folder + "/lines.npy") == exported);
  }
}

TEST_CASE("an export takes what matches, and nothing half done gets a name") {
  const Tool tool;
  tool.ok({"import", "docs", tool.file("d.jsonl", "{\"id\":\"a\",\"vector\":[1,2],\"payload\":{\"n\":1}}\n{\"id\":\"b\",\"vector\":[3,4]}\n"), "--create"});
  CHECK(tool.ok({"export", "docs", "--filter", "{\"n\":1}"}).out == "{\"id\":\"a\",\"vector\":[1,2],\"payload\":{\"n\":1}}\n");
  const auto folder = std::filesystem::path(tool.data_dir()).parent_path().string();
  CHECK(tool({"export", "docs", "-o", folder + "/x.csv"}).code == 2);
  CHECK(tool({"export", "docs", "-o", folder + "/none/x.npy"}).code == 1);
  CHECK(tool({"export", "nothere", "-o", folder + "/x.npy"}).code == 1);
  CHECK_FALSE(std::filesystem::exists(folder + "/x.npy"));
  CHECK(tool.ok({"export", "docs", "-o", folder + "/x.npy"}).out.find("exported 2 documents of 'docs'") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder + "/x.npy.partial"));
}
