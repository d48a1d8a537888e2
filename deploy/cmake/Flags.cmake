# Compiler flags, on one interface target that every target of the project links privately.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

find_program(NDB_CCACHE ccache)
if(NDB_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${NDB_CCACHE}")
endif()
find_program(NDB_MOLD mold)
find_program(NDB_LLD ld.lld)

add_library(ndb_flags INTERFACE)
target_compile_options(ndb_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  # GCC 12 warns falsely about string concatenation (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<BOOL:${NDB_WERROR}>:-Werror>)
target_compile_definitions(ndb_flags INTERFACE
  BOOST_ALL_NO_LIB BOOST_ASIO_NO_DEPRECATED SPDLOG_FMT_EXTERNAL
  $<$<VERSION_LESS:${Boost_VERSION},1.82>:BOOST_BEAST_USE_STD_STRING_VIEW>)  # newer Beast only complains about it
target_include_directories(ndb_flags SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
if(NDB_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(ndb_flags INTERFACE -fuse-ld=mold)
elseif(NDB_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(ndb_flags INTERFACE -fuse-ld=lld)
endif()
if(NDB_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # instrumented code confuses it
  endif()
  add_compile_options(-fsanitize=${NDB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${NDB_SANITIZE})
  add_compile_definitions(NDB_SANITIZED=1)
  if(NDB_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
endif()

# ndb_library(NAME layer): a static library ndb_NAME with the alias ndb::NAME, includes from the top of the tree.
function(ndb_library name)
  add_library(ndb_${name} STATIC)
  add_library(ndb::${name} ALIAS ndb_${name})
  set_target_properties(ndb_${name} PROPERTIES EXPORT_NAME ${name} LINKER_LANGUAGE CXX)
  target_link_libraries(ndb_${name} PRIVATE $<BUILD_INTERFACE:ndb_flags>)
  target_include_directories(ndb_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  cmake_language(EVAL CODE "cmake_language(DEFER CALL ndb_unite ndb_${name})")
endfunction()
