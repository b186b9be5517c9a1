# Point physics: the mechanism and what is computed from it at single points. exp and log run in vector registers only when the
# compiler may ignore traps and signed zeros.
set(S3D_CHEMISTRY_SOURCES kernels/mechanism.f90 kernels/mechanism_text.f90 kernels/mechanism_reactions.f90
  kernels/mechanism_chemistry.f90 kernels/mechanism_thermo.f90 kernels/mechanism_transport.f90 kernels/mechanism_reader.f90
  kernels/thermodynamics.f90 kernels/kinetics.f90 kernels/transport.f90 kernels/kinetic_theory.f90 kernels/point_physics.f90)
set_source_files_properties(kernels/thermodynamics.f90 kernels/kinetics.f90 kernels/transport.f90 kernels/point_physics.f90
  PROPERTIES COMPILE_OPTIONS "-ffast-math")
