# Thermodynamics, rates and transport of single states against reference values.
set(exact rho,W,cp_mass,cv_mass,u_mass,h_mass,sound_speed,T_from_u,wdot_)
function(add_points_test name mechanism expect)
  cmake_parse_arguments(PARSE_ARGV 3 POINTS "" "" "OPTIONS;TABLES")
  list(TRANSFORM POINTS_TABLES PREPEND ${reference}/)
  add_test(NAME s3d.points.${name} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/points_reference.py
    $<TARGET_FILE:s3d-check-points> ${CMAKE_CURRENT_SOURCE_DIR}/mechanisms/${mechanism} --expect ${expect} ${POINTS_OPTIONS}
    ${POINTS_TABLES})
endfunction()
add_points_test(h2 h2o2 ${exact},h_,mu,lambda,D_ TABLES kinetics_h2.csv creation_h2.csv)
add_points_test(gri30 gri30 ${exact},h_,mu,lambda,D_ TABLES kinetics_gri30.csv transport_gri30.csv)
add_points_test(gri30_noN gri30_noN ${exact},h_,mu,lambda,D_ TABLES kinetics_gri30_noN.csv)
add_points_test(ndodecane ndodecane ${exact},h_ TABLES kinetics_ndodecane.csv)
# CHEMKIN's form of the fits.
add_points_test(h2.chemkin_fits h2o2 mu,lambda,D_ OPTIONS --transport transport_chemkin.fits
  TABLES kinetics_h2.csv creation_h2.csv transport_ck_h2.csv)
add_points_test(gri30.chemkin_fits gri30 mu,lambda,D_ OPTIONS --transport transport_chemkin.fits
  TABLES kinetics_gri30.csv transport_ck_gri30.csv)
# Kinetic theory from tran.dat: its collision integrals are not those of the fits.
add_points_test(h2.kinetic_theory h2o2 mu,lambda,D_ OPTIONS --transport tran.dat --transport-limit 3e-2
  TABLES kinetics_h2.csv creation_h2.csv)
add_points_test(gri30.kinetic_theory gri30 mu,lambda,D_ OPTIONS --transport tran.dat --transport-limit 3e-2
  TABLES kinetics_gri30.csv transport_gri30.csv)

# Ignition of a closed vessel, and the duct of the flame over one rank and three. The flame's speed is in verify-long.sh.
foreach(case T1100_p1_phi1 T1200_p1_phi1 T1500_p1_phi1 T1500_p10_phi1)
  add_test(NAME s3d.ignition.${case} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/ignition_reference.py
    $<TARGET_FILE:s3d-ignition> ${mechanism} ${reference}/ignition_h2.json ${case})
endforeach()
add_test(NAME s3d.flame.ranks COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/flame_ranks.py
  $<TARGET_FILE:s3d-flame> ${mechanism} ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} 3 ${MPIEXEC_PREFLAGS})
set_tests_properties(s3d.flame.ranks PROPERTIES PROCESSORS 3)
add_test(NAME s3d.reader COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/reader.py
  $<TARGET_FILE:s3d-check-points> ${mechanism} ${reference}/kinetics_h2.csv)
