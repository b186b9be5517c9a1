! The solver of 25_python.py, a shared library: heat along a rod, with a heater at its first end. Its time loop only launches.
! Python finds its regions by the handles that two functions give.
module rod
  use, intrinsic :: iso_c_binding, only: c_int
  use cohort
  implicit none
  integer, parameter :: n = 400, blocks = 4
  real(8), target :: temperature(0:n + 1, 2) = 0, power(1) = 1
  integer(4) :: fields(2), heater(1)
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_region) :: rod_region, heater_region
  type(cohort_partition) :: inside, reach
  type(cohort_task) :: step_task
contains
  recursive subroutine heat_step(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: new(:), old(:), watts(:)
    integer :: i, from
    call cohort_task_args(task, from)
    call cohort_view(task, 1, fields(3 - from), COHORT_WRITE_DISCARD, new)
    call cohort_view(task, 2, fields(from), COHORT_READ_ONLY, old)
    call cohort_view(task, 3, heater(1), COHORT_READ_ONLY, watts)
    do i = lbound(new, 1), ubound(new, 1)
      new(i) = old(i) + 0.25d0*(old(i - 1) - 2*old(i) + old(i + 1))
      if (i <= 10) new(i) = new(i) + 1d-3*watts(1)
    end do
  end subroutine

  ! On the communicator whose Fortran handle is given.
  subroutine rod_open(comm) bind(C)
    integer(c_int), value :: comm
    type(cohort_index_space) :: space
    type(cohort_field_space) :: field_space
    type(cohort_partition) :: tiles
    integer :: first(1, blocks), last(1, blocks), i
    call cohort_init(rt, int(comm))
    call cohort_root_context(rt, ctx)
    call cohort_task_register(rt, 'heat step', step_task, heat_step, leaf=.true.)
    call cohort_index_space_create(rt, [0], [n + 1], space)
    call cohort_field_space_create(rt, field_space)
    call cohort_fields_allocate(field_space, 8, fields)
    call cohort_region_create(rt, space, field_space, rod_region)
    call cohort_attach(ctx, rod_region, fields, temperature, field_dimension=2)
    do i = 1, blocks
      first(1, i) = 1 + (i - 1)*n/blocks
      last(1, i) = i*n/blocks
    end do
    call cohort_partition_rects(rod_region, first, last, inside)
    call cohort_partition_tiles_halo(inside, [1], reach)
    call cohort_index_space_create(rt, [1], [1], space)
    call cohort_field_space_create(rt, field_space)
    call cohort_fields_allocate(field_space, 8, heater)
    call cohort_region_create(rt, space, field_space, heater_region)
    call cohort_attach(ctx, heater_region, heater, power)
  end subroutine

  ! The launches of twice as many steps, so that the first field holds the temperature before and after. Waits for nothing.
  subroutine rod_advance(double_steps) bind(C)
    integer(c_int), value :: double_steps
    integer :: step, from
    do step = 1, double_steps
      do from = 1, 2
        call cohort_index_launch(ctx, step_task, blocks, [cohort_needs(inside, [fields(3 - from)], COHORT_WRITE_DISCARD), &
          cohort_needs(reach, [fields(from)], COHORT_READ_ONLY), cohort_needs(heater_region, heater, COHORT_READ_ONLY)], &
          args=from)
      end do
    end do
  end subroutine

  function rod_temperature() bind(C) result(region)
    type(cohort_region) :: region
    region = rod_region
  end function

  function rod_heater() bind(C) result(region)
    type(cohort_region) :: region
    region = heater_region
  end function

  subroutine rod_close() bind(C)
    call cohort_finalize(rt)
  end subroutine
end module
