# The kernels as source for devices: one text that is CUDA C, OpenCL C and C, with the mechanism's numbers in it.
set(device_folder ${CMAKE_CURRENT_SOURCE_DIR}/device)
set(device_files tile.h thermodynamics.h kinetics.h transport.h stencil.h primitives.c chemistry.c fluxes.c divergence.c update.c rates.c filter.c)
list(TRANSFORM device_files PREPEND ${device_folder}/)
list(APPEND device_files ${CMAKE_CURRENT_SOURCE_DIR}/../include/cohort_kernel.h)
set(device_text ${CMAKE_CURRENT_BINARY_DIR}/device_text.c)
string(REPLACE ";" "$<SEMICOLON>" device_list "${device_files}")
add_custom_command(OUTPUT ${device_text} DEPENDS ${device_files} ${device_folder}/embed.cmake VERBATIM
  COMMAND ${CMAKE_COMMAND} "-DFILES=${device_list}" -DOUTPUT=${device_text} -P ${device_folder}/embed.cmake)
add_library(s3d_device STATIC ${device_text} device/mechanism_source.f90 device/device_source.f90 device/tile_arguments.f90)
target_link_libraries(s3d_device PUBLIC s3d_kernels)
target_compile_options(s3d_device PRIVATE -O2 $<$<COMPILE_LANG_AND_ID:Fortran,GNU>:-fimplicit-none -Wall>)
set_target_properties(s3d_device PROPERTIES Fortran_MODULE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/modules)
