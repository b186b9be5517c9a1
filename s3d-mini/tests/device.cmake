# The device kernels against the Fortran kernels: compiled as C and called, and through OpenCL where there is one.
find_package(OpenCL)
add_executable(s3d_device_check tests/device_check.f90 tests/device_host.c checks/state_table.f90)
target_link_libraries(s3d_device_check PRIVATE s3d_device s3d_serial ${CMAKE_DL_LIBS} OpenCL::OpenCL)
set_property(SOURCE tests/device_host.c APPEND PROPERTY COMPILE_DEFINITIONS
  "C_COMPILER=\"${CMAKE_C_COMPILER}\"" "ENTRIES=\"${CMAKE_CURRENT_SOURCE_DIR}/tests/device_entries.c\"")
set_target_properties(s3d_device_check PROPERTIES LINKER_LANGUAGE Fortran)

function(add_device_test mechanism table limit)
  foreach(form c opencl)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/tests/device_${mechanism}_${form})
    file(MAKE_DIRECTORY ${folder})
    add_test(NAME s3d.device.${mechanism}.${form} COMMAND s3d_device_check ${form} ${folder}
      ${CMAKE_CURRENT_SOURCE_DIR}/mechanisms/${mechanism} ${reference}/${table} ${limit})
  endforeach()
endfunction()
add_device_test(h2o2 kinetics_h2.csv 1e-12)
add_device_test(gri30_noN kinetics_gri30_noN.csv 1e-12)
add_device_test(gri30 kinetics_gri30.csv 1e-10)
