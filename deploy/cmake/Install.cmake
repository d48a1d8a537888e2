# `cmake --install`: the programs, the libraries with their headers, and packages for find_package(ndb) and pkg-config.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ndb")

# Static libraries, one for each floor; a program links ndb::embedded and gets the others with it.
install(TARGETS ndb_shared ndb_ipc ndb_writer ndb_reader ndb_embedded EXPORT ndb-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT ndb-targets NAMESPACE ndb:: DESTINATION ${package_dir} COMPONENT development)
# The C library stands on its own: whoever links it needs none of the above.
install(TARGETS ndb_c EXPORT ndb-c-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT ndb-c-targets NAMESPACE ndb:: DESTINATION ${package_dir} COMPONENT development)
install(FILES bindings/c/ndb.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(FILES "${PROJECT_BINARY_DIR}/bindings/c/ndb.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
install(DIRECTORY shared/include/ndb bindings/cpp/include/ndb DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development FILES_MATCHING PATTERN "*.hpp")
install(TARGETS ndb-writer ndb-reader RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(deploy/cmake/ndb-config.cmake.in ndb-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(ndb-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ndb-config.cmake" "${PROJECT_BINARY_DIR}/ndb-config-version.cmake"
        DESTINATION ${package_dir} COMPONENT development)
