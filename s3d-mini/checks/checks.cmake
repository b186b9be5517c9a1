# Small programs that expose the mini-app's physics: states in a table, ignition, flames.
add_executable(s3d-check-points checks/check_points.f90 checks/state_table.f90)
target_link_libraries(s3d-check-points PRIVATE s3d_kernels)
set_target_properties(s3d-check-points PROPERTIES LINKER_LANGUAGE Fortran)
target_compile_options(s3d-check-points PRIVATE -fimplicit-none -Wall)
