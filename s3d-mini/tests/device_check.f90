!> device_check c|opencl FOLDER MECHANISM STATES.csv LIMIT: every device kernel, run in this form, against the Fortran kernel that
!> it stands for. The points of a block and the planes around it get the states of the table in turn, so that neighbours differ
!> wildly. FOLDER is where the sources are put.
program device_check
  use, intrinsic :: iso_c_binding
  use block, only: block_t, box_t, ghost_t, block_create, block_box
  use device_source, only: kernel_source, file_text
  use divergence, only: divergence_kernel
  use filter, only: filter_box, filter_depth
  use flow, only: flow_t, i_rho, i_species, p_u, p_T, p_species, primitive_fields, state_fields
  use fluxes, only: flux_kernel
  use mechanism_reader, only: mechanism_read
  use mechanism_source, only: pairs_apart
  use point_physics, only: conserved_from_primitives, loss_rates
  use point_terms, only: primitives_kernel, chemistry_kernel
  use refusal, only: fail
  use runge_kutta, only: stages, rk_factors, rk_update
  use state_table, only: table_t, table_read, table_column
  use stencil, only: stencil_depth
  use tile_arguments, only: tile_arguments_t, update_arguments_t, filter_arguments_t, arguments_of
  use time_step, only: largest_rates
  implicit none

  type, bind(c) :: argument_t
    type(c_ptr) :: data = c_null_ptr
    integer(c_size_t) :: bytes = 0
    integer(c_int32_t) :: kind = 0
  end type
  enum, bind(c)
    enumerator :: by_value, input, output
  end enum

  !> As in cohort_kernel.h.
  type, bind(c) :: extent_t
    integer(c_int64_t) :: lo(3) = 0, hi(3) = -1, stride(3) = 0, offset = 0, field = 0
  end type

  interface
    integer(c_int) function run_kernel(path, kernel, grid, count, argument, message) bind(c)
      import
      character(kind=c_char), intent(in) :: path(*), kernel(*)
      integer(c_int64_t), intent(in) :: grid(3)
      integer(c_int32_t), value :: count
      type(argument_t), intent(in) :: argument(*)
      character(kind=c_char), intent(out) :: message(*)
    end function
  end interface
  procedure(run_kernel), bind(c, name='s3d_run_as_c') :: run_as_c
  procedure(run_kernel), bind(c, name='s3d_run_as_opencl') :: run_as_opencl

  !> The planes of all fields beyond one face.
  type :: face_t
    real(8), allocatable :: plane(:, :, :, :)
    type(extent_t) :: extent
  end type

  !> What the kernels work on.
  type :: case_t
    type(flow_t) :: f
    type(block_t) :: b
    real(8), allocatable :: q(:, :), prim(:, :), p(:), rhs(:, :), flux(:, :, :)
    type(face_t) :: primitives(6), fluxes(6), states(6)
  end type

  character(512) :: argument(5), error
  type(flow_t), target :: f
  type(table_t) :: states
  integer, allocatable :: column(:)
  real(8) :: limit
  logical :: good = .true.
  integer :: a, k, io

  if (command_argument_count() /= 5) call fail('usage: device_check c|opencl FOLDER MECHANISM STATES.csv LIMIT')
  do a = 1, 5
    call get_command_argument(a, argument(a))
  end do
  read (argument(5), *, iostat=io) limit
  if (io /= 0) call fail('LIMIT = "'//trim(argument(5))//'" is not a number')
  call mechanism_read(trim(argument(3)), f%mech, error)
  if (error /= '') call fail(error)
  call table_read(trim(argument(4)), states, error)
  if (error /= '') call fail(error)
  f%n = f%mech%n_species
  column = [table_column(states, 'T'), table_column(states, 'P'), (table_column(states, 'Y_'//trim(f%mech%name(k))), k=1, f%n)]
  if (any(column == 0)) call fail(trim(argument(4))//':1: the columns T, P and Y_ of every species of the mechanism must be named')

  call check('viscous, reacting', [11, 9, 8], .false.)
  f%correction_velocity = .true.
  call check('correction velocity, one plane, open ends', [13, 1, 9], .true.)
  f%viscous = .false.
  f%reacting = .false.
  call check('Euler, inert', [9, 10, 9], .false.)
  print '(a)', merge('PASSED', 'FAILED', good)
  if (.not. good) stop 1, quiet=.true.

contains

  subroutine check(what, points, open_end)
    character(*), intent(in) :: what
    integer, intent(in) :: points(3)
    logical, intent(in) :: open_end
    type(case_t) :: c
    type(box_t) :: box
    integer :: d
    print '(a)', what
    call case_create(c, points, open_end)
    ! A tile inside the block: what lies around it must not change.
    box = block_box(c%b)
    box%j2 = max(box%j2 - 2, 1)
    box%k1 = 2
    call check_primitives(c, box)
    call check_chemistry(c, box)
    ! Neighbours are needed everywhere.
    call primitives_kernel(c%f, c%b, block_box(c%b), c%q, c%prim, c%p)
    call check_fluxes(c, box)
    call flux_kernel(c%f, c%b, block_box(c%b), c%q, c%prim, c%p, ghosts(c%primitives, primitive_fields(c%f)), c%flux)
    call check_divergence(c, box)
    call check_update(c, box, 1)
    call check_update(c, box, 2)
    call check_update(c, box, stages)
    ! Compiled once of each kind: it is the longest of the texts.
    if (.not. all(c%b%active) .or. .not. f%viscous) call check_rates(c, box)
    do d = 1, 3
      if (c%b%active(d)) call check_filter(c, box, d)
    end do
  end subroutine

  subroutine case_create(c, points, open_end)
    type(case_t), intent(out), target :: c
    integer, intent(in) :: points(3)
    logical, intent(in) :: open_end
    logical :: ends(2, 3)
    integer :: n, m, face
    ends = .false.
    ends(:, 1) = open_end
    c%f = f
    c%b = block_create(points, points, [0, 0, 0], [1d-3, 1.2d-3, 0.9d-3], ends)
    n = product(points)
    allocate (c%q(c%b%ld, state_fields(f)), c%prim(c%b%ld, primitive_fields(f)), c%p(c%b%ld), c%rhs(c%b%ld, state_fields(f)), &
              c%flux(c%b%ld, state_fields(f), 3), source=0d0)
    call fill(0, n, c%b%ld, c%prim)
    do m = 1, n
      c%p(m) = state_of(m, 2)
    end do
    call conserved_from_primitives(f%mech, n, c%b%ld, c%prim(:, p_T), c%p, c%prim(:, p_u:), c%prim(:, p_species:), c%q)
    ! Newton's first guess is off.
    c%prim(:, p_T) = 1.07d0*c%prim(:, p_T)
    do face = 1, 6
      if (c%b%open_end(2 - mod(face, 2), (face + 1)/2) .or. .not. c%b%active((face + 1)/2)) cycle
      call face_create(c%b, face, stencil_depth, primitive_fields(f), c%primitives(face))
      associate (plane => c%primitives(face)%plane)
        call fill(17*face, size(plane(:, :, :, 1)), size(plane(:, :, :, 1)), plane)
      end associate
      call face_create(c%b, face, stencil_depth, state_fields(f), c%fluxes(face))
      call random_number(c%fluxes(face)%plane)
      call face_create(c%b, face, filter_depth, state_fields(f), c%states(face))
      call random_number(c%states(face)%plane)
    end do
  end subroutine

  !> The table's states from the one after `first`, and smooth velocities.
  subroutine fill(first, n, ld, prim)
    integer, intent(in) :: first, n, ld
    real(8), intent(inout) :: prim(ld, *)
    integer :: i, k
    do i = 1, n
      do k = 1, 3
        prim(i, p_u - 1 + k) = 10*sin(0.1d0*k*(first + i))
      end do
      prim(i, p_T) = state_of(first + i, 1)
      prim(i, p_species + f%n) = 0
      do k = 1, f%n
        prim(i, p_species - 1 + k) = state_of(first + i, k + 2)
        prim(i, p_species + f%n) = prim(i, p_species + f%n) + state_of(first + i, k + 2)/f%mech%molecular_weight(k)
      end do
      prim(i, p_species + f%n) = 1/prim(i, p_species + f%n)
    end do
  end subroutine

  real(8) function state_of(i, c)
    integer, intent(in) :: i, c
    state_of = states%value(1 + mod(i - 1, size(states%value, 1)), column(c))
  end function

  !> Face 2d-1 below and 2d above in direction d, in the numbering of the block.
  subroutine face_create(b, face, depth, fields, planes)
    type(block_t), intent(in) :: b
    integer, intent(in) :: face, depth, fields
    type(face_t), intent(out) :: planes
    integer :: d
    d = (face + 1)/2
    associate (e => planes%extent)
      e%lo = 1
      e%hi = [b%nx, b%ny, b%nz]
      if (mod(face, 2) == 1) then
        e%lo(d) = 1 - depth
        e%hi(d) = 0
      else
        e%lo(d) = e%hi(d) + 1
        e%hi(d) = e%hi(d) + depth
      end if
      allocate (planes%plane(e%lo(1):e%hi(1), e%lo(2):e%hi(2), e%lo(3):e%hi(3), fields))
      e%stride = [1, size(planes%plane, 1), size(planes%plane, 1)*size(planes%plane, 2)]
      e%field = size(planes%plane(:, :, :, 1))
    end associate
  end subroutine

  !> The planes as the Fortran kernels take them.
  function ghosts(face, fields) result(ghost)
    type(face_t), intent(in), target :: face(6)
    integer, intent(in) :: fields
    type(ghost_t) :: ghost(fields)
    integer :: n, m
    do n = 1, 6
      if (.not. allocated(face(n)%plane)) cycle
      do m = 1, fields
        ghost(m)%face(2 - mod(n, 2), (n + 1)/2)%p(1:, 1:, 1:) => face(n)%plane(:, :, :, m)
      end do
    end do
  end function

  subroutine check_primitives(c, box)
    type(case_t), intent(inout), target :: c
    type(box_t), intent(in) :: box
    real(8), allocatable, target :: kept(:, :), expected(:, :)
    type(argument_t) :: arguments(5)
    type(extent_t), target :: at
    integer :: n
    n = primitive_fields(f)
    kept = reshape([c%prim, c%p], [c%b%ld, n + 1])
    expected = kept
    call primitives_kernel(c%f, c%b, box, c%q, expected, expected(:, n + 1))
    at = extent_in(c%b, box)
    arguments(1:2) = requirement(c%q, at, input)
    arguments(3:4) = requirement(kept, at, output)
    call run('primitives', c, box, arguments)
    call compare('primitives', c, box, kept, expected)
  end subroutine

  subroutine check_chemistry(c, box)
    type(case_t), intent(inout), target :: c
    type(box_t), intent(in) :: box
    real(8), allocatable, target :: rhs(:, :), expected(:, :)
    real(8), allocatable :: scale(:, :)
    type(argument_t) :: arguments(7)
    type(extent_t), target :: at
    integer :: n, m
    n = c%b%nx*c%b%ny*c%b%nz
    call primitives_kernel(c%f, c%b, block_box(c%b), c%q, c%prim, c%p)
    rhs = c%rhs + 7
    expected = rhs
    call chemistry_kernel(c%f, c%b, box, c%q, c%prim, expected)
    at = extent_in(c%b, box)
    arguments(1:2) = requirement(c%q(:, i_rho:i_rho), at, input)
    arguments(3:4) = requirement(c%prim(:, p_T:), at, input)
    arguments(5:6) = requirement(rhs, at, output)
    call run('chemistry', c, box, arguments)
    allocate (scale(c%b%ld, state_fields(f) + 1), source=1d0)
    if (f%reacting) then
      ! Near equilibrium the net rate is a small difference: what is made and used up sets the scale.
      call loss_rates(f%mech, n, c%b%ld, c%q(:, i_rho), c%prim(:, p_T), c%prim(:, p_species:), scale(:, i_species:))
      do m = 1, f%n - 1
        scale(:n, i_species + m - 1) = abs(expected(:n, i_species + m - 1)) &
          + 2*f%mech%molecular_weight(m)*scale(:n, i_species + m - 1) + tiny(1d0)
      end do
    end if
    call compare('chemistry', c, box, rhs, expected, scale)
  end subroutine

  subroutine check_fluxes(c, box)
    type(case_t), intent(inout), target :: c
    type(box_t), intent(in) :: box
    real(8), allocatable, target :: flux(:, :, :), expected(:, :, :)
    type(argument_t) :: arguments(29)
    type(extent_t), target :: at
    type(ghost_t), allocatable :: ghost(:)
    real(8), pointer, contiguous :: pressure(:, :)
    integer :: face, d
    pressure(1:c%b%ld, 1:1) => c%p
    flux = c%flux + 7
    expected = flux
    ghost = ghosts(c%primitives, primitive_fields(f))
    call flux_kernel(c%f, c%b, box, c%q, c%prim, c%p, ghost, expected)
    at = extent_in(c%b, box)
    arguments(1:2) = requirement(c%q, at, input)
    arguments(3:4) = requirement(pressure, at, input)
    arguments(5:6) = requirement(c%prim, at, input)
    arguments(7:8) = requirement(c%prim, at, input)
    do face = 1, 6
      arguments(2*face + 7:2*face + 8) = face_requirement(c%primitives(face))
    end do
    do d = 1, 3
      arguments(2*d + 19:2*d + 20) = requirement(flux(:, :, d), at, output)
    end do
    arguments(27:28) = pair_fits()
    call run('fluxes', c, box, arguments)
    do d = 1, 3
      if (c%b%active(d)) call compare('fluxes along '//'xyz'(d:d), c, box, flux(:, :, d), expected(:, :, d))
    end do
  end subroutine

  subroutine check_divergence(c, box)
    type(case_t), intent(inout), target :: c
    type(box_t), intent(in) :: box
    real(8), allocatable, target :: rhs(:, :), expected(:, :)
    type(argument_t) :: arguments(21)
    type(extent_t), target :: at
    type(ghost_t), allocatable :: ghost(:)
    integer :: d, side, first
    rhs = c%rhs + 7
    expected = rhs
    ghost = ghosts(c%fluxes, state_fields(f))
    call divergence_kernel(c%f, c%b, box, ghost, c%flux, expected)
    at = extent_in(c%b, box)
    arguments(1:2) = requirement(rhs, at, output)
    do d = 1, 3
      first = 6*d - 3
      arguments(first:first + 1) = requirement(c%flux(:, :, d), at, input)
      do side = 1, 2
        arguments(first + 2*side:first + 2*side + 1) = face_requirement(c%fluxes(2*d - 2 + side))
      end do
    end do
    call run('divergence', c, box, arguments)
    call compare('divergence', c, box, rhs, expected)
  end subroutine

  !> Before the first stage the second register is nothing, after the last it stays as it is.
  subroutine check_update(c, box, stage)
    type(case_t), intent(inout), target :: c
    type(box_t), intent(in) :: box
    integer, intent(in) :: stage
    real(8), allocatable, target :: state(:, :), second(:, :), rhs(:, :), expected(:, :), expected_second(:, :)
    real(8) :: before(c%b%nx)
    type(argument_t) :: arguments(7)
    type(extent_t), target :: at
    type(update_arguments_t), target :: launch
    integer :: j, k, m, first, last
    character(20) :: what
    state = c%q
    allocate (second, rhs, mold=state)
    call random_number(second)
    call random_number(rhs)
    launch = update_arguments_t(1, merge(1, 0, stage == 1), rk_factors(stage, 0.1d0))
    expected = state
    expected_second = second
    do m = 1, size(state, 2)
      do k = box%k1, box%k2
        do j = box%j1, box%j2
          first = 1 + c%b%nx*(j - 1 + c%b%ny*(k - 1))
          last = first + c%b%nx - 1
          before = second(first:last, m)
          if (stage == 1) expected_second(first:last, m) = state(first:last, m)
          call rk_update(c%b%nx, launch%factors, rhs(first:last, m), expected(first:last, m), expected_second(first:last, m))
          if (stage == stages) expected_second(first:last, m) = before
        end do
      end do
    end do
    at = extent_in(c%b, box)
    arguments(1:2) = requirement(state, at, output)
    arguments(3:4) = requirement(rhs, at, input)
    arguments(5:6) = requirement(second, at, output)
    arguments(7) = argument_t(c_loc(launch), c_sizeof(launch), by_value)
    call run('update', c, box, arguments)
    write (what, '(a,i0)') 'update of stage ', stage
    call compare(trim(what), c, box, state, expected)
    call compare(trim(what), c, box, second, expected_second)
  end subroutine

  subroutine check_rates(c, box)
    type(case_t), intent(inout), target :: c
    type(box_t), intent(in) :: box
    real(8), allocatable, target :: kept(:, :), largest(:, :)
    real(8) :: expected(3), difference
    type(argument_t) :: arguments(9)
    type(extent_t), target :: at, of_largest
    at = extent_in(c%b, box)
    of_largest = extent_t([1, 0, 0], [3, 0, 0], [1, 3, 3], 0, 3)
    kept = reshape([c%prim, c%p], [c%b%ld, primitive_fields(f) + 1])
    allocate (largest(3, 1), source=0d0)
    arguments(1:2) = requirement(c%q(:, i_rho:i_rho), at, input)
    arguments(3:4) = requirement(kept, at, input)
    arguments(5:6) = pair_fits()
    arguments(7:8) = requirement(largest, of_largest, output)
    call run('rates', c, box, arguments)
    expected = largest_rates(c%f, c%b, box, c%q, c%prim, c%p)
    difference = maxval(abs(largest(:, 1) - expected)/max(expected, tiny(1d0)))
    good = good .and. difference <= limit
    print '(2x,a,t24,a,es9.2,a,es9.2,a)', 'rates', 'largest difference ', difference, ', limit ', limit, &
      merge('        ', ' FAILED ', difference <= limit)
  end subroutine

  subroutine check_filter(c, box, d)
    type(case_t), intent(inout), target :: c
    type(box_t), intent(in) :: box
    integer, intent(in) :: d
    real(8), allocatable, target :: filtered(:, :), expected(:, :)
    type(ghost_t), allocatable :: ghost(:)
    type(argument_t) :: arguments(9)
    type(extent_t), target :: at
    type(filter_arguments_t), target :: launch
    integer :: m
    filtered = c%q + 7
    expected = filtered
    ghost = ghosts(c%states, state_fields(f))
    do m = 1, size(expected, 2)
      call filter_box(c%b, box, d, ghost(m), c%q(:, m), expected(:, m))
    end do
    at = extent_in(c%b, box)
    launch = filter_arguments_t(arguments_of(c%b, 1), int(d - 1, c_int64_t))
    arguments(1:2) = requirement(filtered, at, output)
    arguments(3:4) = requirement(c%q, at, input)
    arguments(5:6) = face_requirement(c%states(2*d - 1))
    arguments(7:8) = face_requirement(c%states(2*d))
    arguments(9) = argument_t(c_loc(launch), c_sizeof(launch), by_value)
    call run('filter', c, box, arguments)
    call compare('filter along '//'xyz'(d:d), c, box, filtered, expected)
  end subroutine

  !> The points of a box in arrays of the block.
  type(extent_t) function extent_in(b, box) result(at)
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    at%lo = [box%i1, box%j1, box%k1]
    at%hi = [box%i2, box%j2, box%k2]
    at%stride = [1, b%nx, b%nx*b%ny]
    at%offset = sum((at%lo - 1)*at%stride)
    at%field = b%ld
  end function

  !> The two arguments of a requirement whose fields are the columns of an array.
  function requirement(array, at, kind) result(pair)
    real(8), intent(in), target, contiguous :: array(:, :)
    type(extent_t), intent(in), target :: at
    integer, intent(in) :: kind
    type(argument_t) :: pair(2)
    pair(1) = argument_t(c_loc(array), 8*size(array), kind)
    pair(2) = argument_t(c_loc(at), c_sizeof(at), by_value)
  end function

  !> What the kernel does not take as constants.
  function pair_fits() result(pair)
    type(argument_t) :: pair(2)
    type(extent_t), save, target :: at
    at = extent_t()
    pair(1) = argument_t(kind=input)
    if (f%viscous) then
      if (pairs_apart(f%mech)) pair(1) = argument_t(c_loc(f%mech%diffusion), 8*size(f%mech%diffusion), input)
    end if
    pair(2) = argument_t(c_loc(at), c_sizeof(at), by_value)
  end function

  !> A face that is not there has no data.
  function face_requirement(face) result(pair)
    type(face_t), intent(in), target :: face
    type(argument_t) :: pair(2)
    pair(1) = argument_t(kind=input)
    if (allocated(face%plane)) pair(1) = argument_t(c_loc(face%plane), 8*size(face%plane), input)
    pair(2) = argument_t(c_loc(face%extent), c_sizeof(face%extent), by_value)
  end function

  !> The last argument is what a launch says; the tile, unless it is given.
  subroutine run(kernel, c, box, arguments)
    character(*), intent(in) :: kernel
    type(case_t), intent(in) :: c
    type(box_t), intent(in) :: box
    type(argument_t), intent(inout) :: arguments(:)
    type(tile_arguments_t), target :: tile
    character(kind=c_char) :: message(4096)
    character(:), allocatable :: path
    integer(c_int64_t) :: grid(3)
    integer :: failed, unit, length
    tile = arguments_of(c%b, 1)
    if (.not. c_associated(arguments(size(arguments))%data)) &
      arguments(size(arguments)) = argument_t(c_loc(tile), c_sizeof(tile), by_value)
    grid = [box%i2 - box%i1, box%j2 - box%j1, box%k2 - box%k1] + 1
    path = trim(argument(2))//'/'//kernel//'.c'
    open (newunit=unit, file=path, access='stream', status='replace', action='write')
    write (unit) file_text('cohort_kernel.h')//kernel_source(c%f, kernel)
    close (unit)
    if (argument(1) == 'c') then
      failed = run_as_c(path//c_null_char, kernel//c_null_char, grid, size(arguments), arguments, message)
    else
      failed = run_as_opencl(path//c_null_char, kernel//c_null_char, grid, size(arguments), arguments, message)
    end if
    if (failed == 0) return
    length = findloc(message, c_null_char, 1) - 1
    call fail(transfer(message(:length), repeat(' ', length)))
  end subroutine

  !> In the box: largest difference of each field over `scale`, or over its largest value. Around it: none.
  subroutine compare(what, c, box, got, expected, scale)
    character(*), intent(in) :: what
    type(case_t), intent(in) :: c
    type(box_t), intent(in) :: box
    real(8), intent(in) :: got(:, :), expected(:, :)
    real(8), intent(in), optional :: scale(:, :)
    real(8) :: worst, difference(size(got, 1))
    logical :: inside(size(got, 1))
    integer :: m, j, k, at, worst_field
    inside = .false.
    do k = box%k1, box%k2
      do j = box%j1, box%j2
        at = box%i1 + c%b%nx*(j - 1 + c%b%ny*(k - 1))
        inside(at:at + box%i2 - box%i1) = .true.
      end do
    end do
    worst = 0
    worst_field = 1
    do m = 1, size(got, 2)
      if (any(got(:, m) /= expected(:, m) .and. .not. inside)) call fail(what//' changed points outside of its tile')
      if (present(scale)) then
        difference = abs(got(:, m) - expected(:, m))/scale(:, m)
      else
        difference = abs(got(:, m) - expected(:, m))/max(maxval(abs(expected(:, m)), inside), tiny(1d0))
      end if
      ! Not a number is worse than any.
      if (.not. all(difference <= worst)) worst_field = m
      if (.not. all(difference <= worst)) worst = merge(maxval(difference), huge(1d0), all(difference <= huge(1d0)))
    end do
    good = good .and. worst <= limit
    print '(2x,a,t24,a,es9.2,a,i0,a,es9.2,a)', what, 'largest difference ', worst, ' (field ', worst_field, '), limit ', limit, &
      merge('        ', ' FAILED ', worst <= limit)
  end subroutine
end program
