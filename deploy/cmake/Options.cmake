# Every switch of the build, in one place.
option(NDB_TESTS "Build the tests" ON)
option(NDB_UNIT_TESTS "Build the unit tests, too (off: a shorter edit-build loop for the others)" ON)
option(NDB_CRASH_POINTS "For tests: processes kill themselves at the point that NDB_CRASH_AT names (shared/base/crash_point.hpp)" ${NDB_TESTS})
option(NDB_BENCH "Build the benchmarks (needs hnswlib; NDB_BENCH_FAISS for faiss)" OFF)
option(NDB_EXAMPLES "Build the examples" ON)
option(NDB_WERROR "Treat warnings as errors" OFF)
option(NDB_FUZZ "Build the fuzz targets (clang)" OFF)
option(NDB_UNITY "Compile the files of a folder together: faster from nothing, slower after an edit" OFF)
set(NDB_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
