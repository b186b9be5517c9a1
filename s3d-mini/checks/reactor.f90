!> A closed adiabatic vessel at constant volume: species of one point advanced with the mini-app's Runge-Kutta scheme.
module reactor
  use mechanism, only: mechanism_t, gas_constant
  use point_physics
  use runge_kutta, only: stages, rk_stage
  implicit none
  private
  public :: reactor_t, reactor_start, reactor_step

  type :: reactor_t
    type(mechanism_t) :: m
    real(8) :: time = 0, T = 0, p = 0, heating = 0     !< heating is dT/dt
    real(8), allocatable :: q(:, :), Y(:, :)
  end type

contains

  subroutine reactor_start(r, T, p, Y)
    type(reactor_t), intent(inout) :: r
    real(8), intent(in) :: T, p, Y(:)
    real(8), allocatable :: rate(:, :)
    allocate (r%q(1, r%m%n_species + 4), r%Y(1, r%m%n_species), rate(1, r%m%n_species))
    r%Y(1, :) = Y
    call conserved_from_primitives(r%m, 1, 1, [T], [p], reshape([0d0, 0d0, 0d0], [1, 3]), r%Y, r%q)
    r%T = T
    call evaluate(r, rate)
  end subroutine

  !> T, p, Y and heating belong to `time` afterwards.
  subroutine reactor_step(r, dt)
    type(reactor_t), intent(inout) :: r
    real(8), intent(in) :: dt
    real(8), dimension(1, r%m%n_species - 1) :: q, q3
    real(8) :: rate(1, r%m%n_species)
    integer :: stage, n
    n = r%m%n_species - 1
    q = r%q(:, 6:n + 5)
    q3 = q
    do stage = 1, stages
      call evaluate(r, rate)
      call rk_stage(stage, n, dt, rate, q, q3)
      r%q(:, 6:n + 5) = q
    end do
    call evaluate(r, rate)
    r%time = r%time + dt
  end subroutine

  !> rate(1, k) = W_k omega_k of the state r%q; sets T, p, Y and heating.
  subroutine evaluate(r, rate)
    type(reactor_t), intent(inout) :: r
    real(8), intent(out) :: rate(1, r%m%n_species)
    real(8), dimension(1) :: T, p, W, cp, enthalpy
    real(8) :: u(1, 3), h(1, r%m%n_species), cv
    T = r%T
    call primitives_from_conserved(r%m, 1, 1, r%q, T, p, u, r%Y, W)
    call production_rates(r%m, 1, 1, r%q(:, 4), T, r%Y, rate)
    call species_enthalpies(r%m, 1, 1, T, h)
    call heat_capacity_and_enthalpy(r%m, 1, 1, T, r%Y, cp, enthalpy)
    cv = cp(1) - gas_constant/W(1)
    ! At constant volume the internal energies u_k = h_k - R T / W_k count.
    r%heating = sum((gas_constant*T(1) - h(1, :)*r%m%molecular_weight)*rate(1, :))/(r%q(1, 4)*cv)
    r%T = T(1)
    r%p = p(1)
    rate(1, :) = rate(1, :)*r%m%molecular_weight
  end subroutine
end module
