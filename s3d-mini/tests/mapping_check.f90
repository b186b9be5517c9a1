!> mapping_check MECHANISM SEEDS [device]: mapping changes no result. A reacting, viscous flow by plain MPI, then by tasks under
!> each mapper: states, pressures and right-hand sides are equal to the last bit, also where a mapper answers what cannot be. With
!> "device" by the mappers that send tasks to devices, whose compilers round otherwise: equal within 1e-12.
program mapping_check
  use mpi_f08
  use checks, only: require_below, require_above, verdict
  use rhs_choice, only: rhs_create
  use rhs_method, only: rhs_method_t, mapping_t
  use runs, only: start, advance, advance_by
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_destroy
  implicit none
  character(*), parameter :: methods(0:1) = [character(6) :: 'direct', 'tasks']
  type(settings_t) :: s
  type(simulation_t), target :: plain
  character(512) :: mechanism, text, kind
  !> Of a difference over the largest value of its field.
  real(8) :: limit = 0
  integer :: provided, seeds

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call get_command_argument(1, mechanism)
  call get_command_argument(2, text)
  read (text, *) seeds
  call get_command_argument(3, kind)
  s%case_name = 'ignition_h2'
  s%mechanism = mechanism
  s%points = [12, 10, 10]
  s%tile = [3, 4]
  s%length = 1d-3
  s%steps = 2
  s%filter_every = 2
  s%phi = 1
  s%temperature = 1000
  s%hot_temperature = 1800
  s%hot_radius = 0.2d0
  s%turbulence = 20
  call start(plain, s, MPI_COMM_WORLD)
  call advance(plain)
  if (kind == 'device') then
    limit = 1d-12
    call check_mapper('device', 4)
    call check_mapper('mixed', 2)
    call check_mapper('overflow', 2)
    call check_mapper('fuzz_device', seeds)
  else
    call check_mapper('default', 4)
    call check_mapper('cpu', 4)
    call check_mapper('fuzz', seeds)
    call check_mapper('nonsense', 4)
  end if
  call simulation_destroy(plain)
  call verdict()

contains

  subroutine check_mapper(name, runs)
    character(*), intent(in) :: name
    integer, intent(in) :: runs
    integer(8) :: refusals(runs)
    integer :: seed, different
    character(40) :: what
    different = 0
    do seed = 1, runs
      call run_with(mapping_t(name, seed), methods(mod(seed, 2)), mod(seed/2, 2) == 0, different, refusals(seed))
    end do
    write (what, '(a,1x,i0,a)') name, runs, ' times'
    call require_below(trim(what)//': runs that differ from plain MPI', real(different, 8), 0d0)
    if (name == 'nonsense') then
      call require_above(trim(what)//': choices refused in each', real(minval(refusals), 8), 1d0)
    else
      call require_below(trim(what)//': choices refused in any', real(maxval(refusals), 8), 0d0)
    end if
  end subroutine

  subroutine run_with(mapping, by, updates_state, different, refusals)
    type(mapping_t), intent(in) :: mapping
    character(*), intent(in) :: by
    logical, intent(in) :: updates_state
    integer, intent(inout) :: different
    integer(8), intent(out) :: refusals
    class(rhs_method_t), allocatable :: method
    type(simulation_t), target :: sim
    call rhs_create(trim(by), method, mapping, updates_state)
    call start(sim, s, MPI_COMM_WORLD)
    call advance_by(method, sim)
    refusals = method%mapping%refusals
    if (.not. equal(sim, plain)) then
      different = different + 1
      print '(a,i0,3a,l1,3a,i0)', 'rank ', sim%rank, ': ', trim(by), ' differs, updates by tasks: ', updates_state, ', under ', &
        trim(mapping%mapper), ', seed ', mapping%seed
    end if
    call simulation_destroy(sim)
  end subroutine

  !> On this rank's block. What is not a number is not equal.
  logical function equal(sim, other)
    type(simulation_t), intent(in) :: sim, other
    integer :: n
    n = sim%b%nx*sim%b%ny*sim%b%nz
    equal = fields_equal(sim%q(:n, :), other%q(:n, :), limit) .and. fields_equal(sim%prim(:n, :), other%prim(:n, :), limit) &
            .and. fields_equal(reshape(sim%p(:n), [n, 1]), reshape(other%p(:n), [n, 1]), limit) &
            .and. fields_equal(sim%rhs(:n, :), other%rhs(:n, :), limit) .and. abs(sim%dt - other%dt) <= limit*other%dt
  end function

  logical function fields_equal(a, b, limit)
    real(8), intent(in) :: a(:, :), b(:, :), limit
    integer :: m
    fields_equal = .true.
    do m = 1, size(a, 2)
      fields_equal = fields_equal .and. all(abs(a(:, m) - b(:, m)) <= limit*maxval(abs(b(:, m))))
    end do
  end function
end program
