# The device kernels against the Fortran kernels: compiled as C and called, and through OpenCL where there is one.
find_package(OpenCL)
add_executable(s3d_device_check tests/device_check.f90 tests/device_c.c tests/device_opencl.c checks/state_table.f90)
target_link_libraries(s3d_device_check PRIVATE s3d_device s3d_serial ${CMAKE_DL_LIBS})
target_compile_definitions(s3d_device_check PRIVATE $<$<COMPILE_LANGUAGE:C>:C_COMPILER="${CMAKE_C_COMPILER}">
  $<$<COMPILE_LANGUAGE:C>:ENTRIES="${CMAKE_CURRENT_SOURCE_DIR}/tests/device_entries.c">)
set_target_properties(s3d_device_check PROPERTIES LINKER_LANGUAGE Fortran)
set(device_forms c)
if(OpenCL_FOUND)
  list(APPEND device_forms opencl)
  target_compile_definitions(s3d_device_check PRIVATE $<$<COMPILE_LANGUAGE:C>:S3D_WITH_OPENCL>)
  target_link_libraries(s3d_device_check PRIVATE OpenCL::OpenCL)
endif()

# add_device_test(mechanism table limit [add_test's arguments...])
function(add_device_test mechanism table limit)
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/mechanisms/${mechanism})
  foreach(form ${device_forms})
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/tests/device_${mechanism}_${form})
    add_test(NAME s3d.device.${form}.${mechanism} COMMAND s3d_device_check ${form}
      ${CMAKE_CURRENT_BINARY_DIR}/tests/device_${mechanism}_${form} ${folder} ${reference}/${table} ${limit})
  endforeach()
  add_test(NAME s3d.device.constants.${mechanism} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/device_constants.py
    $<TARGET_FILE:s3d-device-sources> ${folder} ${CMAKE_CURRENT_BINARY_DIR}/tests/constants_${mechanism})
  add_test(NAME s3d.device.nvrtc.${mechanism} ${ARGN} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/device_nvrtc.py
    $<TARGET_FILE:s3d-device-sources> ${folder} ${CMAKE_CURRENT_BINARY_DIR}/tests sm_70 sm_80 sm_90)
  # They take long, and one processor: others run meanwhile if they begin first.
  set_tests_properties(s3d.device.nvrtc.${mechanism} PROPERTIES SKIP_RETURN_CODE 77 COST 100)
endfunction()
add_device_test(h2o2 kinetics_h2.csv 1e-12)
add_device_test(gri30_noN kinetics_gri30_noN.csv 1e-12)
add_device_test(gri30 kinetics_gri30.csv 1e-10)
