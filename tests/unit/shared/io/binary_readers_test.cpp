#include <limits>

#include "tests/unit/shared/io/files.hpp"

using namespace files;
using Floats = std::vector<float>;

TEST_CASE("npy files of each element type are read") {
  const auto header = [](const char* type) {
    return std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (3, 2), }";
  };
  const Floats expected{1, -2, 0.5F, 4, 5, 6};
  CHECK(values_of("a.npy", npy(header("<f4"), raw<float>({1, -2, 0.5F, 4, 5, 6}))) == expected);
  CHECK(values_of("a.npy", npy(header("<f8"), raw<double>({1, -2, 0.5, 4, 5, 6}))) == expected);
  CHECK(values_of("a.npy", npy(header("<f2"), raw<std::uint16_t>({0x3c00, 0xc000, 0x3800, 0x4400, 0x4500, 0x4600}))) == expected);
  CHECK(values_of("a.npy", npy(header("|i1"), raw<std::int8_t>({1, -2, 3, 127, -128, 0}))) == Floats{1, -2, 3, 127, -128, 0});
  CHECK(values_of("a.npy", npy(header("|u1"), raw<std::uint8_t>({1, 2, 3, 127, 128, 255}))) == Floats{1, 2, 3, 127, 128, 255});
  CHECK(values_of("A.NPY", npy(header("<f4"), raw<float>({1, -2, 0.5F, 4, 5, 6}), 2)) == expected);
  CHECK(values_of("a.npy", npy("{\"shape\":(3,2),'fortran_order':False,'descr':\"<f4\"}", raw<float>({1, -2, 0.5F, 4, 5, 6}), 3)) == expected);
}

TEST_CASE("half floats convert exactly, subnormals and the largest included") {
  const std::string header = "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 5), }";
  CHECK(values_of("a.npy", npy(header, raw<std::uint16_t>({0x0001, 0x83ff, 0x7bff, 0x8000, 0x0400}))) ==
        Floats{0x1p-24F, -0x1.ff8p-15F, 65504, -0.0F, 0x1p-14F});
  CHECK(error_of("a.npy", npy(header, raw<std::uint16_t>({0, 0, 0x7c00, 0, 0}))) == "F: row 0, element 2 is NaN, infinite or beyond float32");
}

TEST_CASE("doubles are rounded to float32 as far as they fit") {
  const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }";
  CHECK(values_of("a.npy", npy(header, raw<double>({0.1, 1e-60, 3.4028234663852886e38, 3.4028235e38}))) ==
        Floats{0.1F, 0, 3.4028234663852886e38F, 3.4028234663852886e38F});
  CHECK(error_of("a.npy", npy(header, raw<double>({0, 0, 0, 1e39}))) == "F: row 1, element 1 is NaN, infinite or beyond float32");
  CHECK(error_of("a.npy", npy(header, raw<double>({0, 0, 0, 3.40282357e38}))) != "");
}

TEST_CASE("vecs files are read") {
  CHECK(values_of("a.fvecs", raw<std::int32_t>({2}) + raw<float>({1, 2.5F}) + raw<std::int32_t>({2}) + raw<float>({3, 4})) ==
        Floats{1, 2.5F, 3, 4});
  CHECK(values_of("a.bvecs", raw<std::int32_t>({3}) + raw<std::uint8_t>({1, 2, 255})) == Floats{1, 2, 255});
  CHECK(values_of("a.ivecs", raw<std::int32_t>({2, -7, 1 << 24})) == Floats{-7, 1 << 24});
  CHECK(values_of("a.fvecs", "").empty());
}

TEST_CASE("a file larger than the buffer is read in pieces") {
  const std::size_t rows = 3000, dim = 128;
  std::string data;
  for (std::size_t i = 0; i < rows * dim; ++i) data += raw<float>({static_cast<float>(i)});
  const File file("big.npy", npy_f4("(3000, 128)", data));
  const auto all = read_all(file.path(), 700);
  REQUIRE(all);
  REQUIRE(all->values.size() == rows * dim);
  for (std::size_t i = 0; i < rows * dim; ++i) REQUIRE(all->values[i] == static_cast<float>(i));
}

TEST_CASE("a row with NaN or infinity is named") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  CHECK(error_of("a.npy", npy_f4("(3, 2)", raw<float>({1, 2, 3, 4, 5, nan}))) == "F: row 2, element 1 is NaN, infinite or beyond float32");
  CHECK(error_of("a.fvecs", raw<std::int32_t>({2}) + raw<float>({-inf, 0})) == "F: row 0, element 0 is NaN, infinite or beyond float32");
  CHECK(error_of("a.ivecs", raw<std::int32_t>({1, (1 << 24) + 1})).starts_with("F: row 0, element 0"));
}

TEST_CASE("files without rows have no dimension") {
  const File file("a.npy", npy_f4("(0, 4)", ""));
  const auto reader = ndb::io::VectorReader::open(file.path());
  REQUIRE(reader);
  CHECK((*reader)->dim() == 0);
  CHECK((*reader)->rows() == 0U);
}
