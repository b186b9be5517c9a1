!> reacting_check MECHANISM: reacting, viscous flow by the solver itself: its order in time, what a periodic box conserves, the
!> symmetries of its start, and that neither the direction of an axis nor the cutting into blocks changes the answer.
program reacting_check
  use mpi_f08
  use checks, only: require_below, require_above, verdict
  use flow, only: i_rho, i_species, p_T
  use mechanism, only: species_index
  use run_checks, only: conserved_t, conserved_names, conserved_of, drift_of
  use runs, only: start, advance
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_destroy
  implicit none
  character(512) :: mechanism
  integer :: provided, ranks

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)
  call get_command_argument(1, mechanism)
  ! On one block; once is enough.
  if (ranks == 1) then
    call check_order_in_time('ignition_h2', 4d-8)
    call check_order_in_time('manufactured', 2d-8)
    call check_symmetry()
    call check_directions()
  end if
  call check_conservation(.false., 0)
  call check_conservation(.true., 10)
  call check_blocks()
  call verdict()

contains

  function hot_spot(points, steps) result(s)
    integer, intent(in) :: points(3), steps
    type(settings_t) :: s
    s%case_name = 'ignition_h2'
    s%mechanism = mechanism
    s%points = points
    s%length = 1d-3
    s%steps = steps
    s%fixed_dt = 3d-8
    s%phi = 1
    s%temperature = 1000
    s%hot_temperature = 1800
    s%hot_radius = 0.2d0
  end function

  !> Errors against a run with steps four times finer than the finest. All temperatures stay above 1000 K, where NASA's polynomials
  !> have a kink.
  subroutine check_order_in_time(case_name, coarsest_dt)
    character(*), intent(in) :: case_name
    real(8), intent(in) :: coarsest_dt
    integer, parameter :: coarsest = 20, runs = 4
    type(settings_t) :: s
    type(simulation_t), target :: fine, sim
    real(8) :: error(runs)
    character(12) :: label
    integer :: m, r, n
    s = hot_spot([32, 1, 1], coarsest*2**(runs + 1))
    s%case_name = case_name
    s%temperature = 1100
    s%filter_every = 0
    s%fixed_dt = coarsest*coarsest_dt/s%steps
    call start(fine, s, MPI_COMM_SELF)
    call advance(fine)
    n = fine%b%nx
    do r = 1, runs
      s%steps = coarsest*2**(r - 1)
      s%fixed_dt = coarsest*coarsest_dt/s%steps
      call start(sim, s, MPI_COMM_SELF)
      call advance(sim)
      error(r) = 0
      do m = 1, size(sim%q, 2)
        error(r) = max(error(r), maxval(abs(sim%q(:n, m) - fine%q(:n, m)))/max(maxval(abs(fine%q(:n, m))), 1d-6))
      end do
      call simulation_destroy(sim)
      write (label, '(es8.1)') s%fixed_dt
      if (r > 1) call require_above(case_name//': order in time, to dt ='//trim(label)//' s', &
                                    log(error(r - 1)/error(r))/log(2d0), 3.8d0)
    end do
    call require_above(case_name//': order in time, lowest temperature (K)', minval(fine%prim(:n, p_T)), 1001d0)
    call simulation_destroy(fine)
  end subroutine

  !> A hundred steps of a mixture in which every reaction is at work.
  subroutine check_conservation(correction_velocity, filter_every)
    logical, intent(in) :: correction_velocity
    integer, intent(in) :: filter_every
    type(settings_t) :: s
    type(simulation_t), target :: sim
    type(conserved_t) :: before
    real(8), allocatable :: drift(:)
    real(8) :: water(2)
    character(:), allocatable :: what
    integer :: m
    s = hot_spot([12, 11, 13], 100)
    s%case_name = 'manufactured'
    s%fixed_dt = 1d-8
    s%correction_velocity = correction_velocity
    s%filter_every = filter_every
    call start(sim, s, MPI_COMM_WORLD)
    before = conserved_of(sim)
    water(1) = total_of(sim, 'H2O')
    call advance(sim)
    drift = drift_of(before, conserved_of(sim))
    water(2) = total_of(sim, 'H2O')
    what = 'S3D''s closure, no filter'
    if (correction_velocity) what = 'correction velocity, filter'
    do m = 1, size(drift)
      call require_below('100 reacting steps, '//what//': drift of '//conserved_names(m), drift(m), 1d-13)
    end do
    call require_above('100 reacting steps, '//what//': change of water (kg/m3)', abs(water(2) - water(1)), 1d-3)
    call simulation_destroy(sim)
  end subroutine

  !> Mean partial density.
  real(8) function total_of(sim, name)
    type(simulation_t), intent(in) :: sim
    character(*), intent(in) :: name
    integer :: n
    n = sim%b%nx*sim%b%ny*sim%b%nz
    total_of = sum(sim%q(:n, i_species - 1 + species_index(sim%f%mech, name)))
    call MPI_Allreduce(MPI_IN_PLACE, total_of, 1, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
    total_of = total_of/product(real(sim%s%points, 8))
  end function

  !> A hot spot at the middle of a cube: even in each coordinate, and the same after the axes trade places.
  subroutine check_symmetry()
    integer, parameter :: n = 12
    type(settings_t) :: s
    type(simulation_t), target :: sim
    real(8), allocatable :: q(:, :, :, :)
    real(8) :: mirrored, turned
    integer :: m, i, at(3)
    integer, parameter :: back(n) = [(1 + mod(n + 1 - i, n), i=1, n)]
    s = hot_spot([n, n, n], 30)
    call start(sim, s, MPI_COMM_SELF)
    call advance(sim)
    allocate (q(n, n, n, size(sim%q, 2)))
    do m = 1, size(q, 4)
      q(:, :, :, m) = reshape(sim%q(:n**3, m), [n, n, n])/max(maxval(abs(sim%q(:n**3, m))), tiny(1d0))
    end do
    mirrored = 0
    turned = 0
    do m = i_rho, size(q, 4)
      mirrored = max(mirrored, maxval(abs(q(:, :, :, m) - q(back, :, :, m))), maxval(abs(q(:, :, :, m) - q(:, back, :, m))), &
                     maxval(abs(q(:, :, :, m) - q(:, :, back, m))))
      turned = max(turned, maxval(abs(q(:, :, :, m) - reshape(q(:, :, :, m), [n, n, n], order=[2, 3, 1]))))
    end do
    do m = 1, 3
      at = cshift([1, 2, 3], m - 1)
      mirrored = max(mirrored, maxval(abs(q(:, :, :, m) + mirror(q(:, :, :, m), m, back))))
      turned = max(turned, maxval(abs(q(:, :, :, m) - reshape(q(:, :, :, 1), [n, n, n], order=at))))
    end do
    call require_below('hot spot, 30 steps: uneven part', mirrored, 5d-12)
    call require_below('hot spot, 30 steps: change when axes trade places', turned, 5d-12)
    call simulation_destroy(sim)
  end subroutine

  function mirror(f, d, back) result(g)
    real(8), intent(in) :: f(:, :, :)
    integer, intent(in) :: d, back(:)
    real(8) :: g(size(f, 1), size(f, 2), size(f, 3))
    if (d == 1) g = f(back, :, :)
    if (d == 2) g = f(:, back, :)
    if (d == 3) g = f(:, :, back)
  end function

  !> A flame along x, along y and along z is the same flame.
  subroutine check_directions()
    integer, parameter :: n = 64
    type(settings_t) :: s
    type(simulation_t), target :: sim(3)
    real(8) :: difference
    integer :: d, m, points(3)
    do d = 1, 3
      points = 1
      points(d) = n
      s = hot_spot(points, 50)
      s%case_name = 'flame_1d'
      s%length = 2d-3
      s%direction = d
      call start(sim(d), s, MPI_COMM_SELF)
      call advance(sim(d))
    end do
    do d = 2, 3
      difference = 0
      do m = 1, size(sim(1)%q, 2)
        difference = max(difference, maxval(abs(sim(d)%q(:n, turned_field(m, d)) - sim(1)%q(:n, m)))/ &
                         max(maxval(abs(sim(1)%q(:n, m))), 1d-12))
      end do
      call require_below('flame along '//merge('y', 'z', d == 2)//' against along x', difference, 5d-12)
    end do
    do d = 1, 3
      call simulation_destroy(sim(d))
    end do
  end subroutine

  !> The field that stands for field m of a case along x when the case lies along d.
  pure integer function turned_field(m, d)
    integer, intent(in) :: m, d
    turned_field = m
    if (m < i_rho) turned_field = 1 + mod(m + d - 2, 3)
  end function

  !> The state on all ranks' blocks against that of one block: filter, time-step control and halos are at work.
  subroutine check_blocks()
    type(settings_t) :: s
    type(simulation_t), target :: whole, sim
    real(8) :: difference
    integer :: m, j, k, from, to
    s = hot_spot([23, 20, 21], 7)
    s%turbulence = 20
    s%fixed_dt = 0
    s%filter_every = 2
    call start(whole, s, MPI_COMM_SELF)
    call advance(whole)
    call start(sim, s, MPI_COMM_WORLD)
    call advance(sim)
    difference = 0
    do m = 1, size(sim%q, 2)
      do k = 1, sim%b%nz
        do j = 1, sim%b%ny
          to = sim%b%nx*(j - 1 + sim%b%ny*(k - 1))
          from = sim%b%offset(1) + whole%b%nx*(sim%b%offset(2) + j - 1 + whole%b%ny*(sim%b%offset(3) + k - 1))
          difference = max(difference, maxval(abs(sim%q(to + 1:to + sim%b%nx, m) - whole%q(from + 1:from + sim%b%nx, m)))/ &
                           max(maxval(abs(whole%q(:, m))), tiny(1d0)))
        end do
      end do
    end do
    call MPI_Allreduce(MPI_IN_PLACE, difference, 1, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    call require_below('blocks of all ranks against one block', difference, 1d-13)
    call require_below('blocks of all ranks against one block, time', abs(sim%time/whole%time - 1), 1d-14)
    call simulation_destroy(sim)
    call simulation_destroy(whole)
  end subroutine
end program
