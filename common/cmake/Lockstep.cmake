# Options that every target of ours links, and the one way to declare a test.

find_program(CCACHE ccache)
if(CCACHE)
  # The base directory makes two checkouts share the cache; the sloppiness is what precompiled headers need.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
               CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

add_library(lockstep_options INTERFACE)
target_include_directories(lockstep_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
target_compile_features(lockstep_options INTERFACE cxx_std_20)
target_compile_options(lockstep_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wno-unused-command-line-argument>
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess -Wno-maybe-uninitialized>)
target_compile_definitions(lockstep_options INTERFACE LOCKSTEP_VERSION="${PROJECT_VERSION}")
target_link_options(lockstep_options INTERFACE -fuse-ld=lld)

set(LOCKSTEP_SANITIZER "" CACHE STRING "address (with undefined) or thread; empty for none")
if(LOCKSTEP_SANITIZER STREQUAL "address")
  target_compile_options(lockstep_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=undefined)
  target_link_options(lockstep_options INTERFACE -fsanitize=address,undefined)
elseif(LOCKSTEP_SANITIZER STREQUAL "thread")
  target_compile_options(lockstep_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(lockstep_options INTERFACE -fsanitize=thread)
elseif(LOCKSTEP_SANITIZER)
  message(FATAL_ERROR "LOCKSTEP_SANITIZER is \"${LOCKSTEP_SANITIZER}\"; use address, thread or nothing")
endif()

# lockstep_embed(target name file)
#
# Makes the text file part of the target: `extern const char kNAME[]` of namespace lockstep::data, in a source that the
# build generates. Data stays in data files.
function(lockstep_embed target name file)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  add_custom_command(OUTPUT ${generated} DEPENDS ${source} ${CMAKE_SOURCE_DIR}/common/cmake/Embed.cmake
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DSOURCE=${source} -DGENERATED=${generated}
            -P ${CMAKE_SOURCE_DIR}/common/cmake/Embed.cmake)
  target_sources(${target} PRIVATE ${generated})
endfunction()

# All tests with threads in them: what the thread sanitizer looks at.
add_custom_target(tests_threads)

# lockstep_test(NAME [SOURCES file...] [LIBS lib...] [LABELS label...] [TIMEOUT seconds])
#
# A GoogleTest program with gmock's main; its tests are registered one by one when the build has finished. They run in
# the source tree, so that a path such as "../shared/corpus" means the same everywhere. Label "threads" those that start
# threads, "release-only" those that say nothing new under a sanitizer (they start whole programs, or measure).
function(lockstep_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE lockstep_options ${ARG_LIBS} testing_main)
  target_precompile_headers(${name} REUSE_FROM testing_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(tests_threads ${name})
  endif()
  if(LOCKSTEP_SANITIZER STREQUAL "thread")
    set_tests_properties(${name} PROPERTIES
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/testing/tsan.supp halt_on_error=1")
  endif()
endfunction()
