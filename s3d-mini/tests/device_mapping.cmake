# Tasks on devices give what plain MPI gives, to 1e-12 (gri30: 1e-10). Through OpenCL, also where its device is this machine's processor.
# A difference of nothing would mean that no device was used.
set(on_device "differs by +[1-9]\\.[0-9]+E-1[0-9] .*PASSED")

# device_run(name case method update mapper ranks PASS regex [ENVIRONMENT variable=value...] [add_test's arguments...])
function(device_run name case method update mapper ranks)
  cmake_parse_arguments(PARSE_ARGV 6 RUN "" "PASS" "ENVIRONMENT")
  set(input ${CMAKE_CURRENT_BINARY_DIR}/tests/device_${case}_${method}_${update}_${mapper}_${steps}.nml)
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/tests/device_${case}.nml.in ${input} @ONLY)
  add_test(NAME s3d.device.run.${name} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/.. ${RUN_UNPARSED_ARGUMENTS}
    COMMAND ${CMAKE_COMMAND} -E env COHORT_WORKERS=2 COHORT_DEVICES=opencl ${RUN_ENVIRONMENT}
      ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS} $<TARGET_FILE:s3d-mini> ${input})
  set_tests_properties(s3d.device.run.${name} PROPERTIES PASS_REGULAR_EXPRESSION "${RUN_PASS}" RUN_SERIAL ON)
endfunction()

set(steps 3)
foreach(mapper device mixed fuzz_device)
  foreach(method direct tasks)
    foreach(ranks 1 2 4)
      device_run(${mapper}.${method}.${ranks}_ranks h2o2 ${method} tasks ${mapper} ${ranks} PASS "${on_device}")
    endforeach()
  endforeach()
endforeach()
# On from where a line is told, and past the second choice of a length.
set(steps 7)
foreach(method direct tasks)
  device_run(device.${method}.on_and_on h2o2 ${method} tasks device 2 PASS "${on_device}")
endforeach()
set(steps 3)
# With the state handed back for each update.
foreach(method direct tasks)
  device_run(device.${method}.update_by_fortran h2o2 ${method} fortran device 2 PASS "${on_device}")
endforeach()
# Memory for a half and a tenth of the working set, which is 9 MB: tiles leave to make room, or are on CPUs.
foreach(ranks 1 2 4)
  foreach(setting overflow/4500K overflow/900K fuzz_device/4500K fuzz_device/900K)
    string(REPLACE "/" ";" setting ${setting})
    list(GET setting 0 mapper)
    list(GET setting 1 memory)
    device_run(${mapper}.${memory}.${ranks}_ranks h2o2 tasks tasks ${mapper} ${ranks} ENVIRONMENT COHORT_DEVICE_MEMORY=${memory} PASS "${on_device}")
  endforeach()
endforeach()
device_run(overflow.all_fit h2o2 tasks tasks overflow 1 PASS "${on_device}")
device_run(gri30_noN gri30_noN tasks tasks device 2 PASS "${on_device}")
device_run(gri30 gri30 tasks tasks device 2 PASS "${on_device}")
# Without devices the same tasks run on CPUs.
device_run(none h2o2 tasks tasks device 2 ENVIRONMENT COHORT_DEVICES=none PASS "differs by +0\\.00E\\+00 .*PASSED")

foreach(ranks 1 2)
  add_test(NAME s3d.device.mapping.${ranks}_ranks COMMAND ${CMAKE_COMMAND} -E env COHORT_WORKERS=2 COHORT_DEVICES=opencl
    ${launch_${ranks}} $<TARGET_FILE:s3d_mapping_check> ${mechanism} 25 device)
  set_tests_properties(s3d.device.mapping.${ranks}_ranks PROPERTIES RUN_SERIAL ON)
endforeach()

# Of the state nothing crosses between the stages, and of the fields that neighbours need their ghost planes alone.
add_library(s3d_count_copies MODULE tests/count_copies.c)
target_link_libraries(s3d_count_copies PRIVATE OpenCL::OpenCL)
add_test(NAME s3d.device.copies WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/.. COMMAND Python3::Interpreter
  ${CMAKE_CURRENT_SOURCE_DIR}/tests/device_copies.py $<TARGET_FILE:s3d-mini> $<TARGET_FILE:s3d_count_copies> ${CMAKE_CURRENT_BINARY_DIR}/tests)
set_tests_properties(s3d.device.copies PROPERTIES RUN_SERIAL ON)

# The figures that want a GPU, of a block so small that they mean nothing: the script and what it counts, which is in README.md.
add_test(NAME s3d.device.figures WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/.. COMMAND ${CMAKE_COMMAND} -E env COHORT_DEVICES=opencl
  MECHANISMS=h2o2 TRIAD_POINTS=100000 s3d-mini/device-figures.sh ${CMAKE_CURRENT_BINARY_DIR} 10)
set(counts "primitives +248. +902. .*chemistry +208. +2057. .*fluxes +576. +3741. .*divergence +560. +546. .*update +448. +56. .*rates +136. +5062. .*filter +224. +252. ")
set_tests_properties(s3d.device.figures PROPERTIES PASS_REGULAR_EXPRESSION "${counts}.*lost between kernels.* %" RUN_SERIAL ON)

# Where there is a GPU: its kernels under NVIDIA's checker.
add_test(NAME s3d.device.sanitizer WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/.. COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/../tests/compute_sanitizer.sh
  $<TARGET_FILE:s3d-mini> ${CMAKE_CURRENT_BINARY_DIR}/tests/device_h2o2_tasks_tasks_device_3.nml)
set_tests_properties(s3d.device.sanitizer PROPERTIES SKIP_RETURN_CODE 77 RUN_SERIAL ON)
