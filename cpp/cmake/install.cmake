# One layout for a prefix and for the wheel: wheel.install-dir makes <site-packages>/fewbits the prefix.
include(CMakePackageConfigHelpers)
set(_config_dir lib/cmake/fewbits)
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/cpp/include/ DESTINATION include FILES_MATCHING PATTERN "*.hpp")
install(TARGETS fewbits EXPORT fewbitsTargets)
install(EXPORT fewbitsTargets NAMESPACE fewbits:: DESTINATION ${_config_dir})
configure_package_config_file(${CMAKE_CURRENT_SOURCE_DIR}/cpp/cmake/fewbitsConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/fewbitsConfig.cmake INSTALL_DESTINATION ${_config_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/fewbitsConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fewbitsConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/fewbitsConfigVersion.cmake
  DESTINATION ${_config_dir})
